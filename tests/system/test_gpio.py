# SPDX-License-Identifier: Apache-2.0
"""GPIO with interrupts through a driver domain that crashes."""

import pytest

import gpio

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
