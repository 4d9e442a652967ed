# SPDX-License-Identifier: Apache-2.0
"""Debian's stock kernel as a guest that knows Xen: what it reports, its console, events on all vCPUs, kexec, reboot."""

import os
from pathlib import Path

import pytest

import linux
import machine as machines
import run
from tree import Domain

HERE = os.path.dirname(os.path.abspath(__file__))
CPUS = 2
GUEST_LINES = 40
EVENTS = 190  # of 200: the change of affinity may reach Linux's chip a little later


def build_ramdisks(folder):
    """An initramfs that holds the kernel and the initramfs for the kernel that it starts by kexec."""
    from command import initramfs
    init = Path(HERE, "linux", "xen-init")
    inner, outer = os.path.join(folder, "xen-inner.cpio.gz"), os.path.join(folder, "xen.cpio.gz")
    events, modules = ("test/evtchn", linux.compile_tool("evtchn")), ("xen-evtchn",)
    with open(inner, "wb") as file:
        file.write(initramfs.build(init, (events,), modules))
    with open(outer, "wb") as file:
        file.write(initramfs.build(init, (events, ("kexec/initrd", inner), ("kexec/Image", linux.kernel()),
                                          ("kexec/kexec", linux.compile_tool("kexec"))), modules))
    return outer


@pytest.fixture(scope="module")
def ramdisk():
    folder = os.path.join(run.O, "tests")
    os.makedirs(folder, exist_ok=True)
    return build_ramdisks(folder)


def expect_xen(r, which):
    """What the guest says when it has booted: each line once, in order."""
    r.expect(r"TEST type xen version 4\.17", domain=1, limit=120, refuse="Kernel panic")
    _, m = r.expect(r"TEST features (\w+)", domain=1, limit=20)
    assert int(m.group(1), 16) & 0x16005 == 0x16005
    r.expect(r"TEST console hvc0", domain=1, limit=20)
    r.expect(r"TEST Xen 4\.17 support found", domain=1, limit=20)
    r.expect(rf"TEST {which}", domain=1, limit=20)
    for cpu in range(CPUS):
        r.expect("TEST sent and taken", domain=1, limit=60, refuse="evtchn:")
        _, m = r.expect(rf"TEST events cpu {cpu} (\d+)", domain=1, limit=60)
        assert int(m.group(1)) >= EVENTS, f"only {m.group(1)} events reached CPU {cpu}"
    for i in range(GUEST_LINES):
        r.expect(rf"^TEST line {i} (0123456789){{7}}$", domain=1, limit=20)
    mark = r.mark()
    r.expect("TEST ready", domain=1, limit=60)
    assert linux.new_warnings([l.text for l in r.lines[mark:] if l.domain == 1]) == []


@pytest.mark.line_03_1
@pytest.mark.parametrize("machine", [machines.A53_V2, machines.A72_V3], ids=str)
def test_linux_on_xen(machine, ramdisk, name, evidence):
    """Xen is found, hvc0 works on every vCPU; kexec and reboot register everything again."""
    guest = Domain(linux.kernel(), "console=hvc0 quiet", ramdisk=ramdisk, cpus=CPUS, memory=393216, vpl011=False,
                   properties='xen,enhanced = "no-xenstore"; bulkhead,restart = <0xffffffff>;')
    with run.hypervisor(machine, [guest], name, limit=400) as r:
        expect_xen(r, "first kernel")
        evidence("seconds to the end of the first checks", round(r.elapsed, 1))
        r.send("/kexec/kexec /kexec/Image /kexec/initrd\n", pause=0.002)
        expect_xen(r, "kernel after kexec")
        r.send("reboot -f\n", pause=0.002)
        expect_xen(r, "first kernel")
        r.send("poweroff -f\n", pause=0.002)
        r.expect(r"DOM1 powered off", domain=None, limit=30)
        r.wait_end(30)
