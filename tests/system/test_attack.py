# SPDX-License-Identifier: Apache-2.0
"""A hostile domain between two honest ones: one on its own pCPU, one on the attacker's."""

import dataclasses

import pytest

import machine as machines
import run
from tree import Domain

ATTACKS = ["attack_memory", "attack_edges", "attack_calls", "attack_hypercalls", "attack_sysregs", "attack_sys",
           "attack_distributor", "attack_redistributors", "attack_cpu_interface", "attack_uart"]


def pinned(pcpu, vcpus=1):
    return "".join(f'vcpu{v} {{ compatible = "xen,vcpu"; id = <{v}>; hard-affinity = "{pcpu}"; }};'
                   for v in range(vcpus))


@pytest.mark.reference
@pytest.mark.line_01_4
def test_control_bare(guest, name, evidence):
    """The same accesses on the bare machine: they do reach something."""
    figures = {}
    with run.bare(machines.A72_V3, guest, "test=attack_memory", name) as r:
        run.finish(r, figures=figures)
    evidence("attempts", figures["attack_memory.attempts"])
    evidence("went through", figures["attack_memory.through"])


@pytest.mark.line_01_4
@machines.parameter()
def test_attack(machine, guest, name, evidence):
    machine = dataclasses.replace(machine, smp=2)
    hypervisor_ram = "base=0x40200000 size=0x200000"
    domains = [
        Domain(guest, f"test=victim,hello ms=4000 {hypervisor_ram}", memory=4096, nodes=pinned(0)),
        Domain(guest, f"test={','.join(ATTACKS)},hello {hypervisor_ram}", memory=4096, nodes=pinned(1)),
        Domain(guest, "test=victim,hello ms=4000", memory=4096, nodes=pinned(1)),
    ]
    figures = {}
    with run.hypervisor(machine, domains, name, limit=150) as r:
        results = run.finish(r, (1, 2, 3), figures)
        r.wait_end(20)
        assert not [l.text for l in r.lines if l.domain is None and "panic" in l.text.lower()]
    assert results[1, "victim"] and results[3, "victim"] and results[2, "hello"]
    evidence("attempts", sum(v for (d, k), v in figures.items() if d == 2 and k.endswith(".attempts")))
    evidence("memory accesses blocked", figures[2, "attack_memory.blocked"])
    evidence("victims' rounds", f"{figures[1, 'victim.rounds']} alone, {figures[3, 'victim.rounds']} shared")


@pytest.mark.line_01_4
@pytest.mark.parametrize("entry", range(6))
def test_started_nowhere(entry, guest, name):
    """CPU_ON at an address that is no RAM harms the caller's vCPU alone."""
    domains = [Domain(guest, f"test=attack_cpu_on,hello entry={entry}", cpus=2), Domain(guest, "test=victim ms=300")]
    with run.hypervisor(machines.A72_V3, domains, name) as r:
        run.finish(r, (1, 2))
        r.wait_end(10)
