# SPDX-License-Identifier: Apache-2.0
"""One guest, written for Xen, on stock Xen 4.17 and on Bulkhead: what its hypercalls return is the same, but for the
deviations that are documented (docs/guest-abi.md)."""

import os

import pytest

import linux
import machine as machines
import run
from tree import Domain

# name: (Xen, Bulkhead)
DEVIATIONS = {
    "shared_info_again": ("-16 0", "0 0"),      # moves: a kexec'ed Linux would die of -EBUSY
    "vcpu_info_again": ("-22 0", "0 0"),        # the same
    "unmap_elsewhere": ("0 0", "-1 0"),         # Xen gives the handle back and leaves the page mapped
    "unmap": ("-4 1", "0 1"),                   # follows from that
}


def answers(image, guest, name):
    domain = Domain(guest, "test=xen_abi", memory=16384, properties='xen,enhanced = "no-xenstore";')
    machine = machines.Machine(cpu="cortex-a72", gic=3, smp=2, mem=1024)
    with run.hypervisor(machine, [domain], name, image=image, limit=90) as r:
        r.expect(r"DONE passed=", limit=60)
        return {words[1]: " ".join(words[2:]) for words in (l.text.split() for l in r.lines)
                if words[:1] == ["ABI"] and len(words) == 4}


@pytest.mark.line_03_2
def test_same_as_xen(guest, name, evidence):
    os.makedirs(run.LOGS, exist_ok=True)
    link = os.path.join(run.LOGS, "xen-4.17")
    if not os.path.lexists(link):
        os.symlink(linux.item("xen"), link)
    ours = answers(None, guest, name + "-bulkhead")
    theirs = answers(link, guest, name + "-xen")
    assert len(ours) > 80 and ours.keys() == theirs.keys()
    differ = {k: (theirs[k], ours[k]) for k in ours if ours[k] != theirs[k]}
    assert differ == DEVIATIONS
    evidence("answers compared", len(ours))


@pytest.mark.line_03_1
@machines.parameter(machines.A53_V2, machines.A72_V3)
@pytest.mark.parametrize("test", ["hypercall_pointers", "hypercall_from_el0"])
def test_bad_callers(machine, test, guest, name, evidence):
    """Pointers that lead nowhere, and calls from EL0: documented errors, and nothing has changed."""
    domain = Domain(guest, f"test={test}", memory=16384, properties='xen,enhanced = "no-xenstore";')
    with run.hypervisor(machine, [domain], name, limit=90) as r:
        r.expect(r"DONE passed=1 failed=0", limit=60, refuse="FAIL")
        for line in r.lines:
            if line.text.startswith("FIG "):
                evidence(line.text.split()[1], int(line.text.split()[2]))
