# SPDX-License-Identifier: Apache-2.0
"""GPIO with interrupts through a driver domain that crashes."""

import dataclasses
import os

import pytest

import driver
import gpio
import linux
import machine as machines
import run
import tree
from tree import Domain

pytestmark = pytest.mark.line_04_1
A53 = ("gic-version=3", "gic-version=2"), ("cortex-a72", "cortex-a53")


def edited(*pairs):
    def edit(text):
        for old, new in pairs:
            text = text.replace(old, new)
        return text
    return edit


def rounds(s, number, evidence):
    """A crash, a press of the key while the driver is away; the lamp is looked at before, during and after."""
    away = held = 0
    for i in range(1, number + 1):
        s.run.focus(gpio.LAMP)
        level = i % 2
        s.switch(level)
        s.crash()
        s.qmp.press()
        s.run.pump(0)
        away += not any("key: served" in line.text for line in s.run.lines[s.run.mark():])
        data, direction = s.qmp.lines()
        held += (data & 1, direction) == (level, 1)
        s.run.expect("key: served", domain=gpio.GPIO, limit=60, refuse="crash:")
        s.run.rewind(s.served)
        s.interrupt(i)
        s.served = s.run.mark()
        s.released()
        assert s.qmp.lines() == (level, 1)
    # nothing more comes: as many interrupts as presses
    s.qmp.press()
    assert s.interrupt(number + 1) == "high"
    s.released()
    evidence("crashes, presses while the driver was away, each one interrupt", f"{number}, {away}")
    evidence("output unchanged while the driver was away", f"{held} of {number}")
    assert held == number
    assert away >= number // 2


@pytest.mark.line_04_2
def test_crashes(name, tmp_path, evidence):
    with gpio.System(name, str(tmp_path), edited(('"in=0"', '"in=0 trigger=1"'))) as s:
        rounds(s, 10, evidence)


@pytest.mark.line_04_2
@pytest.mark.long
def test_many_crashes(name, tmp_path, evidence):
    with gpio.System(name, str(tmp_path), edited(('"in=0"', '"in=0 trigger=1"')), limit=1200) as s:
        rounds(s, 200, evidence)


def test_level(name, tmp_path, evidence):
    """A level interrupts as often as it is unmasked, and no longer than it lasts; the other machine."""
    with gpio.System(name, str(tmp_path), edited(('"in=0"', '"in=0 trigger=4"'), *A53)) as s:
        s.run.focus(gpio.LAMP)
        s.switch(1)
        s.qmp.press()
        assert [s.interrupt(i) for i in (1, 2, 3)] == ["high"] * 3
        s.released()
        s.run.send("0")
        s.run.expect("line 0 is low", domain=gpio.LAMP)
        seen = sum("interrupt" in text for text in s.run.text_of(gpio.KEY))
        s.run.send("1")
        s.run.expect("line 0 is high", domain=gpio.LAMP)
        assert sum("interrupt" in text for text in s.run.text_of(gpio.KEY)) == seen
        evidence("interrupts of a level of 100 ms", seen)


def test_frontend_stops(name, tmp_path):
    """What it had set up is gone; the other frontend goes on."""
    with gpio.System(name, str(tmp_path)) as s:
        s.run.focus(gpio.LAMP)
        s.switch(1)
        mark = s.run.mark()
        s.crash(gpio.LAMP)
        s.run.rewind(mark)
        s.run.expect("lamp: has stopped", domain=gpio.GPIO, limit=30)
        assert s.qmp.lines()[1] == 0
        s.qmp.press()
        assert (s.interrupt(1), s.interrupt(2)) == ("high", "low")


def use_linux(machine, name, buffers, crashes, evidence):
    """Linux's own driver: names, an output, edges, while the driver domain crashes; nothing is left behind. Debian's
    stock kernel has no GPIO_VIRTIO."""
    path = f"/tmp/bulkhead-{os.getpid()}.gpio"
    lines = 'bulkhead,gpio-lines = <0 4>; gpio-line-names = "lamp", "", "", "key"; '
    lines += f'bulkhead,buffers = "{buffers}";'
    domains = [Domain(os.path.join(run.O, "domains", "gpio.img"), memory=96, vpl011=False, name="gpio",
                      partial_tree=gpio.partial(), properties=driver.ALWAYS + driver.FIRST_OF_ALL),
               Domain(linux.confined(), "console=ttyAMA0 quiet host=linux", memory=131072, cpus=2, name="linux",
                      ramdisk=linux.device_ramdisk("gpio", "gpio", ()),
                      nodes=tree.virtio(driver.FIRST, "gpio", "gpio", lines))]
    machine = dataclasses.replace(machine, options=("-qmp", f"unix:{path},server=on,wait=off"))
    with run.hypervisor(machine, domains, name, limit=200 + 10 * crashes, edit=gpio.keys) as r:
        driver.ready(r, 2)
        qmp = gpio.Qmp(path)
        r.rewind()
        r.expect(r"TEST virtio 0x0029 status 0x0000000f driver gpio_virtio", domain=2)
        driver.ask(r, 2, "gpio info", "GPIO lines 4")
        for i, text in enumerate(("lamp", "", "", "key")):
            r.expect(rf"GPIO line {i} {text}$", domain=2)
        driver.ask(r, 2, "(sleep 600 | gpio drive 0 1) &", "GPIO line 0 is 1")
        driver.ask(r, 2, f"gpio watch 3 {crashes} &", "GPIO line 3 is watched")
        for i in range(1, crashes + 1):
            r.focus(0)
            r.send("c1")
            r.expect("DOM1 crashed", domain=None, limit=30)
            qmp.press()
            assert qmp.word(gpio.DATA) & 1 == 1 and qmp.word(gpio.DIRECTION) == 1
            r.expect(rf"GPIO line 3 rose {i} times", domain=2, limit=60)
            gpio.released(r, qmp)
        assert qmp.lines() == (1, 1)
        driver.ask(r, 2, "killall gpio sleep", "TEST done")
        driver.ask(r, 2, "gpio drive 0 0 < /dev/null", "GPIO line 0 is 0")
        r.expect("TEST done", domain=2)
        assert qmp.lines()[1] == 0
        driver.ask(r, 2, "complaints", "TEST done")
        assert driver.complaints(r, 2) == []
        qmp.close()
    evidence(f"Linux, {buffers}: crashes, each with an edge that was told once", crashes)


@pytest.mark.confined
@pytest.mark.line_04_2
@pytest.mark.long
def test_linux(name, evidence):
    use_linux(machines.A72_V3, name, "all", 20, evidence)
