# SPDX-License-Identifier: Apache-2.0
"""The first example starts as `bulkhead run` does it. Others, and the start under U-Boot, have files of their own."""

import os
import shlex
import subprocess

import pytest

import gpio
import linux
import run

TOOL = os.path.join(linux.SOURCE, "tools", "bulkhead")
EXAMPLE = os.path.join(linux.SOURCE, "examples", "two-linux")


def compose(folder, *options, example=EXAMPLE):
    done = subprocess.run([TOOL, "image", "-o", folder, *options, example], capture_output=True, text=True, timeout=180,
                          check=False)
    if done.returncode:
        pytest.fail(f"bulkhead image: {done.stdout}{done.stderr}", pytrace=False)


def unattended(folder, example=EXAMPLE):
    """The QEMU command of an example whose domains act by themselves, console on the standard streams."""
    compose(folder, "--unattended", example=example)
    with open(os.path.join(folder, "run.sh"), encoding="utf-8") as f:
        text = f.read().replace("\\\n", " ")
    command = shlex.split(text.split("exec ", 1)[1].replace('"$@"', ""))
    command = [c.replace("file=", f"file={folder}/") if c.startswith("loader,") else c for c in command]
    command = [os.path.join(folder, c) if os.path.exists(os.path.join(folder, c)) else c for c in command]
    if "-serial" not in command:
        command += ["-serial", "stdio"]
    return command


def expect_example(r):
    """Both Linux domains have checked themselves on both CPUs, and the bare-metal one beats."""
    for dom in (1, 2):
        mark = r.mark()
        r.expect(rf"linux{dom}: check passed on 2 of 2 CPUs", domain=dom, limit=120)
        r.rewind(mark)
    r.rewind()
    r.expect(r".", domain=3)


@pytest.mark.line_01_1
def test_two_linux_example(name, tmp_path):
    folder = str(tmp_path / "set")
    command = unattended(folder)
    with run.Run(command, name, 240) as r:
        expect_example(r)


@pytest.mark.line_04_1
def test_driver_domains_example(name, tmp_path):
    """What `make run` starts: both Linux domains use disk and network, and their power-off is that of the machine."""
    command = unattended(str(tmp_path / "set"), os.path.join(linux.SOURCE, "examples", "driver-domains"))
    with run.Run(command, name, 240) as r:
        for domain, host in ((3, "left"), (4, "right")):
            mark = r.mark()
            for text in (r"wrote 4 MiB to the disk and read them back",
                         r"the other Linux: 5 packets transmitted, 5 packets received",
                         r"the gateway: 5 packets transmitted, 5 packets received"):
                r.expect(f"{host}: {text}", domain=domain, limit=120)
            r.rewind(mark)
        r.wait_end(60)
        assert not [l.text for l in r.lines if "crash" in l.text]
        assert any("all domains have stopped" in l.text for l in r.lines)


@pytest.mark.line_04_1
def test_gpio_example(name, tmp_path):
    """What its README says."""
    with gpio.System(name, str(tmp_path)) as s:
        s.run.rewind()
        s.run.expect("line 1: spare", domain=gpio.LAMP)
        s.run.rewind()
        s.run.expect("line 0: key", domain=gpio.KEY)
        s.run.focus(gpio.LAMP)
        s.switch(1)
        s.qmp.press()
        assert (s.interrupt(1), s.interrupt(2)) == ("high", "low")
        s.crash()
        assert s.qmp.lines() == (1, 1)
        s.run.expect("key: served", domain=gpio.GPIO, limit=60)
        s.run.focus(gpio.LAMP)
        s.switch(0)
        s.qmp.press()
        assert (s.interrupt(3), s.interrupt(4)) == ("high", "low")
