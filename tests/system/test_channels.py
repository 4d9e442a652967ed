# SPDX-License-Identifier: Apache-2.0
"""The examples of channels, started as `bulkhead run` does it, and the Linux module against a bare-metal peer."""

import os
import re
import shlex
import shutil
import subprocess

import pytest

import linux
import run

pytestmark = pytest.mark.line_03_4

TOOL = os.path.join(linux.SOURCE, "tools", "bulkhead")
EXAMPLES = os.path.join(linux.SOURCE, "examples")
HERE = os.path.join(linux.SOURCE, "tests", "channels")
ICOUNT = ("-icount", "shift=0,sleep=off")
METRONOME = """
[[domain]]
name = "metronome{phase}"
kernel = "build:examples/tests/metronome.img"
bootargs = "phase={phase}"
memory = "128K"
vpl011 = false
"""


def copied(example, folder, edit=lambda text: text):
    """A copy of an example with another description."""
    target = os.path.join(folder, "example")
    shutil.copytree(os.path.join(EXAMPLES, example), target)
    path = os.path.join(target, "system.toml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(edit(text))
    return target


def start(description, folder, name, limit, options=(), attended=False):
    """Compose a set and start it."""
    command = [TOOL, "image", "-o", folder, *([] if attended else ["--unattended"]), description]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.fail(f"bulkhead image: {done.stdout}{done.stderr}", pytrace=False)
    with open(os.path.join(folder, "run.sh"), encoding="utf-8") as f:
        text = f.read().replace("\\\n", " ")
    command = shlex.split(text.split("exec ", 1)[1].replace('"$@"', ""))
    command = [c.replace("file=", f"file={folder}/") if c.startswith("loader,") else c for c in command]
    command = [os.path.join(folder, c) if os.path.exists(os.path.join(folder, c)) else c for c in command]
    return run.Run(command + ["-serial", "stdio", *options], name, limit)


def warnings(r, *domains):
    """What the kernels complain about."""
    bad = re.compile(r"WARNING|BUG:|Oops|Call trace|bulkhead-channel")
    return [text for d in domains for text in r.text_of(d) if bad.search(text)]


def on_gic(gic):
    """Edits a description for another machine."""
    def edit(text):
        cpu = {2: "cortex-a53", 3: "cortex-a72"}[gic]
        return text.replace("gic-version=3", f"gic-version={gic}").replace("echo-gicv3", f"echo-gicv{gic}").replace(
            "cortex-a72", cpu)

    return edit


@pytest.mark.parametrize("gic", [2, 3])
def test_echo(gic, name, tmp_path):
    with start(copied("channel-echo", tmp_path, on_gic(gic)), str(tmp_path / "set"), name, 180) as r:
        r.expect("linux: the echo says: hello, echo", domain=1)
        r.expect("linux: 100 of 100 messages came back", domain=1)
        assert warnings(r, 1) == []


@pytest.mark.parametrize("gic", [2, 3])
def test_echo_is_two_kibibytes(gic, evidence):
    """Code and constants, the header of the image and the start included."""
    size = os.path.getsize(os.path.join(run.O, "examples", "channel-echo", f"echo-gicv{gic}.img"))
    assert size <= 2048
    evidence("bytes", size)


def test_control_loop_misses_no_period(name, tmp_path, evidence):
    def edit(text):
        return text.replace("smp = 2", "smp = 4") + METRONOME.format(phase=0) + METRONOME.format(phase=50)

    with start(copied("linux-rtos-channel", tmp_path, edit), str(tmp_path / "set"), name, 240, ICOUNT) as r:
        for life in (1, 2):
            r.expect(rf"linux: life {life}: 50 frames, commands: 32 heat, 18 cool", domain=1)
        line, match = r.expect(r"control: stopped: periods (\d+), missed (\d+), latest start us (\d+), frames (\d+), "
                               r"dropped commands (\d+)", domain=2)
        periods, missed, latest, frames, dropped = map(int, match.groups())
        assert (missed, frames, dropped) == (0, 101, 0), line.text
        assert latest < 100, "a step began later than 100 us after its period"
        evidence("periods of 1 ms, Linux rebooted once", periods)
        evidence("latest start of a step, us", latest)
        r.rewind()
        r.expect(r"DOM1 asked for a reset, restarting", domain=None)
        assert warnings(r, 1) == []


def test_network(name, tmp_path):
    """One side is rung by an event channel, the other by an interrupt."""
    with start(os.path.join(EXAMPLES, "channel-net"), str(tmp_path / "set"), name, 240) as r:
        sums = {}
        for side, domain in (("left", 1), ("right", 2)):
            r.rewind()
            r.expect(rf"{side}: ping: 5 packets transmitted, 5 packets received", domain=domain)
            _, match = r.expect(rf"{side}: 8388608 bytes, ([0-9a-f]{{64}})", domain=domain)
            sums[side] = match.group(1)
        assert sums["left"] == sums["right"]
        r.wait_end(60)
        assert warnings(r, 1, 2) == []


def test_network_goes_on_after_a_restart(name, tmp_path):
    """One side pings while the other reboots: same addresses, same wire."""
    with start(os.path.join(EXAMPLES, "channel-net"), str(tmp_path / "set"), name, 300, attended=True) as r:
        r.expect("right: try:", domain=2)
        r.rewind()
        r.expect("left: try:", domain=1)
        r.send("ping -c 300 192.168.77.2 | grep seq= &\n", pause=0.005)
        r.expect("seq=2 ", domain=1, limit=60)
        r.focus(2)
        r.send("reboot -f\n", pause=0.005)
        r.expect("DOM2 asked for a reset", domain=None, limit=60)
        r.expect("right: ch0 is", domain=2, limit=120)
        for _ in range(3):
            r.expect("64 bytes from 192.168.77.2: seq=", domain=1, limit=60)
        assert warnings(r, 1, 2) == []


@pytest.mark.parametrize("gic", [2, 3])
def test_pipeline(gic, name, tmp_path, evidence):
    """39 restarts of the planner: each fourth between showing a frame and giving it back, which repeats that one."""
    with start(copied("pipeline", tmp_path, on_gic(gic)), str(tmp_path / "set"), name, 60) as r:
        r.expect("display: 20000 frames, 0 missing, 10 repeated, 0 damaged, from 40 lives of the planner", domain=3)
        r.rewind()
        r.expect("camera: sent 20000 frames", domain=1)
        assert sum("DOM2 asked for a reset" in line.text for line in r.lines) == 39
        r.wait_end(20)
        evidence("frames accounted for over 39 restarts", 20000)


def test_module(name, tmp_path):
    """The device and the interface, loaded and unloaded, with peers that restart and that write nonsense."""
    with start(os.path.join(HERE, "module"), str(tmp_path / "set"), name, 240) as r:
        for step in ("load", "messages", "no_waiting", "mapped", "restart", "nonsense", "spoilt", "liar"):
            r.expect(f"PASS {step}", domain=1, refuse="FAIL")
        r.expect("DONE", domain=1, refuse="FAIL")
        assert not any("FAIL" in text for text in r.text_of(1))
        assert sum("DOM2 asked for a reset" in line.text for line in r.lines) == 10


def test_module_has_no_warnings():
    """The kernel's own additional warnings (W=1)."""
    done = subprocess.run([TOOL, "module", "--warnings"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("gic", [2, 3])
def test_xen_static_channel(gic, name, tmp_path):
    """Guests that know Xen only: ports and addresses by agreement."""
    with start(copied("xen-static-channel", tmp_path, on_gic(gic)), str(tmp_path / "set"), name, 60) as r:
        r.expect("first: answers 1000", domain=1)
        r.rewind()
        r.expect("second: questions 1000", domain=2)
        r.wait_end(20)
