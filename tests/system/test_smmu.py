# SPDX-License-Identifier: Apache-2.0
"""Devices behind an SMMU: they reach the memory of their domain, and nothing else."""

import dataclasses
import re

import pytest

import machine as machines
import run
import test_passthrough
import tree
from tree import Domain

pytestmark = pytest.mark.line_04_1
EDU = ("-device", "edu,dma_mask=0xffffffffffffffff")
ALWAYS = "bulkhead,restart = <0xffffffff>;"
ATTACKER, VICTIM = 0x60000000, 0x61000000
VICTIM_AT = 0x40000000  # in the victim's own addresses
FAULT = re.compile(r"DOM(\d+): DMA of stream 0x([0-9a-f]+) blocked: (write to|read of) 0x([0-9a-f]+), (.*)")


def with_edu(smmu, machine=machines.A72_V3):
    options = ",iommu=smmuv3" if smmu else ""
    return dataclasses.replace(machine, machine_options=options, options=EDU, smp=2)


def attacker(guest, args, properties="", memory=4096):
    """A domain with the PCI bridge whose addresses are the machine's: an attack names them."""
    place = test_passthrough.static(memory * 1024, ATTACKER)
    return Domain(guest, args, memory=memory, partial_tree=test_passthrough.partial("pci"),
                  properties=f"{place} {properties}")


def victim(guest, args):
    place = f"xen,static-mem = <{tree.cells(VICTIM)} {tree.cells(4 << 20)}>;"
    return Domain(guest, args, memory=4096, properties=place)


def faults(r):
    """(domain, stream, direction, address, reason) of each report."""
    found = [FAULT.search(("" if l.domain is None else f"DOM{l.domain}: ") + l.text) for l in r.lines]
    return [(int(m[1]), int(m[2], 16), m[3], int(m[4], 16), m[5]) for m in found if m]


@pytest.mark.parametrize("smmu", [True, False], ids=["smmu", "control"])
def test_attack(smmu, guest, name, evidence):
    """A driver domain sends its device to a neighbour's RAM and to the hypervisor's. Without an SMMU it gets there."""
    with run.hypervisor(with_edu(smmu), [victim(guest, "test=dma_victim ms=200")], name + "-look") as r:
        _, m = r.expect(r"WATCH 0x([0-9a-f]+)", domain=1)
        watched = int(m[1], 16) - VICTIM_AT + VICTIM
    targets = [watched, watched + 8]
    args = " ".join(f"at{i}=0x{at:x}" for i, at in enumerate(targets))
    domains = [attacker(guest, f"test=dma_own,dma_attack {args}"), victim(guest, "test=dma_victim ms=4000")]
    figures = {}
    with run.hypervisor(with_edu(smmu), domains, name, limit=60) as r:
        run.finish(r, (1, 2), figures)
    seen = faults(r)
    assert figures[1, "dma_attack.attempts"] == len(targets)
    assert figures[2, "dma_victim.changed"] == (0 if smmu else len(targets))
