# SPDX-License-Identifier: Apache-2.0
"""Debian's stock kernel in two domains at once."""

import pytest

import linux
import machine as machines
import run
from tree import Domain

RESTART = "bulkhead,restart = <0xffffffff>;"


def domain(index, properties="", cpus=2, memory=262144):
    return Domain(linux.kernel(), f"console=ttyAMA0 quiet host=linux{index}", ramdisk=linux.ramdisk(), cpus=cpus,
                  memory=memory, properties=properties)


def expect_checked(r, dom, cpus=2, limit=90):
    """The domain boots, both its CPUs compute, it sleeps and wakes; returns its uptime in ms."""
    _, m = r.expect(r"TEST cpus (\d+) of (\d+)", domain=dom, limit=limit, refuse="Kernel panic")
    assert (int(m.group(1)), int(m.group(2))) == (cpus, cpus)
    _, m = r.expect(r"TEST slept (\d+) ms", domain=dom, limit=30)
    assert 500 <= int(m.group(1)) < 5000, f"slept {m.group(1)} ms instead of 500"
    _, m = r.expect(r"TEST timers (\d) (\d)", domain=dom, limit=10)
    assert m.group(1) == "1" and (cpus < 2 or m.group(2) == "1"), "no timer interrupts on some CPU"
    _, m = r.expect(r"TEST ready up (\d+)", domain=dom, limit=30)
    return int(m.group(1))


def uptime(r, dom):
    r.focus(dom)
    r.send('echo "TEST now $(uptime_ms)"\n', pause=0.002)
    _, m = r.expect(r"TEST now (\d+)", domain=dom, limit=20)
    return int(m.group(1))


@pytest.mark.line_01_1
@machines.parameter()
def test_two_linux(machine, name, evidence):
    """Boot, check, reboot one, power off both; the machine ends by itself."""
    with run.hypervisor(machine, [domain(1, RESTART), domain(2)], name, limit=240) as r:
        mark = r.mark()
        expect_checked(r, 1)
        r.rewind(mark)
        expect_checked(r, 2)
        evidence("seconds to both shells", round(r.elapsed, 1))
        for dom in (1, 2):
            assert linux.new_warnings(r.text_of(dom)) == []
        before = uptime(r, 2)
        r.focus(1)
        r.send("reboot -f\n", pause=0.002)
        fresh = expect_checked(r, 1)
        after = uptime(r, 2)
        assert after > before, "the other domain's uptime went back"
        evidence("uptime of the other across the reboot, ms", f"{before} to {after}")
        evidence("uptime of the rebooted one, ms", fresh)
        r.send("poweroff -f\n", pause=0.002)
        r.expect(r"DOM2.*(powered|off|stop)", limit=20)
        r.focus(1)
        r.send("echo TEST alive\n", pause=0.002)
        r.expect(r"^TEST alive", domain=1, limit=20)
        # Its restart policy brings it back after a reboot only.
        r.send("poweroff -f\n", pause=0.002)
        r.wait_end(30)


@pytest.mark.line_01_7
@pytest.mark.parametrize("cpus", [1, 4])
def test_linux_smp(cpus, name):
    machine = machines.Machine(cpu="cortex-a72", gic=3, smp=4)
    with run.hypervisor(machine, [domain(1, cpus=cpus)], name, limit=120) as r:
        expect_checked(r, 1, cpus)
