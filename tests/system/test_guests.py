# SPDX-License-Identifier: Apache-2.0
"""The bare-metal tests: on the bare machine, which is the reference, and in a domain."""

import dataclasses
import re

import pytest

import machine as machines
import run
import suites
from tree import Domain

each_suite = pytest.mark.parametrize("suite", list(suites.ALL))


@pytest.mark.reference
@machines.parameter()
@each_suite
def test_bare(machine, suite, guest, name):
    with run.bare(machine, guest, suites.arguments(suites.ALL[suite]), name) as r:
        run.finish(r)


@pytest.mark.line_01_7
@machines.parameter()
@each_suite
def test_domain(machine, suite, guest, name):
    with run.hypervisor(machine, [Domain(guest, suites.arguments(suites.ALL[suite]), cpus=4)], name) as r:
        results = run.finish(r, (1,))
        assert len(results) == len(suites.ALL[suite])


@machines.parameter()
@pytest.mark.parametrize("vcpus,memory", [(1, 2048), (3, 65536)])
def test_device_tree(machine, vcpus, memory, guest, name):
    args = suites.arguments(suites.START + suites.TREE, cpus=vcpus, memory=memory, gic=machine.gic)
    with run.hypervisor(machine, [Domain(guest, args, cpus=vcpus, memory=memory)], name) as r:
        run.finish(r, (1,))


def test_bootargs_arrive(guest, name):
    args = "test=dt_bootargs quoted='a,b;c' =x \\\\t ~!@#$%^&*()_+{}|:<>?[]"
    with run.hypervisor(machines.A72_V3, [Domain(guest, args)], name) as r:
        r.expect(re.escape("BOOTARGS [" + args.replace("\\\\", "\\") + "]"))


@pytest.mark.line_01_7
@pytest.mark.parametrize("machine", [
    machines.N1_V3,
    machines.Machine(cpu="cortex-a72", gic=2, smp=8),
    machines.Machine(cpu="cortex-a72", gic=3, smp=8),
    machines.Machine(cpu="max", gic=3, smp=4, secure=True),
    machines.Machine(cpu="cortex-a53", gic=2, smp=4, secure=True),
    machines.Machine(cpu="cortex-a72", gic=3, smp=1),
    machines.Machine(cpu="cortex-a57", gic=3, smp=2),
    machines.Machine(cpu="cortex-a72", gic=3, smp=4, mem=5120),
], ids=lambda m: m.name)
def test_machines(machine, guest, name):
    """The core subset, with a vCPU on every pCPU."""
    domain = Domain(guest, suites.arguments(suites.CORE, rounds=100), cpus=machine.smp, memory=8192)
    with run.hypervisor(machine, [domain], name) as r:
        run.finish(r, (1,))


@pytest.mark.line_01_7
@pytest.mark.parametrize("board,gic", [("xlnx-versal-virt", 3), ("xlnx-zcu102", 2)])
def test_boards(board, gic, guest, name):
    options = ",virtualization=on" if gic == 2 else ""
    machine = machines.Machine(board=board, cpu=board, gic=gic, smp=4, mem=2048, machine_options=options)
    with run.hypervisor(machine, [Domain(guest, suites.arguments(suites.CORE, rounds=100), cpus=2)], name) as r:
        run.finish(r, (1,))


@pytest.mark.line_01_7
@pytest.mark.parametrize("shift", [0, 2])
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_icount(machine, shift, guest, name):
    """Deterministic time: the instruction counter drives the timers, CPUs run in turn."""
    timed = dataclasses.replace(machine, icount=f"shift={shift},sleep=off")
    args = suites.arguments(suites.SGI + suites.ROUTE + ["vtimer", "vtimer_smp"], rounds=60)
    with run.hypervisor(timed, [Domain(guest, args, cpus=4)], name, limit=120) as r:
        run.finish(r, (1,))


@pytest.mark.line_01_7
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("gic", [2, 3])
def test_seeds(seed, gic, guest, name, evidence):
    """Real parallelism (no icount) on eight CPUs: interrupts driven and re-targeted from two of them at once."""
    machine = machines.Machine(cpu="cortex-a72", gic=gic, smp=8)
    args = suites.arguments(["route_storm", "sgi_wake", "sgi_broadcast"], rounds=1500, seed=seed * 7919)
    figures = {}
    with run.hypervisor(machine, [Domain(guest, args, cpus=8)], name, limit=120) as r:
        run.finish(r, (1,), figures)
    evidence("interrupts, sent = seen", figures["route_storm.interrupts"])


@machines.parameter()
def test_fp_on_shared_pcpu(machine, guest, name):
    """Two domains on one pCPU must not see each other's vector registers."""
    domains = [Domain(guest, suites.arguments(["fp_kept", "el1_state_kept"], seed=i + 1, ms=1500), cpus=1,
                      nodes="vcpu0 { compatible = \"xen,vcpu\"; id = <0>; hard-affinity = \"1\"; };") for i in range(2)]
    with run.hypervisor(machine, domains, name) as r:
        figures = {}
        run.finish(r, (1, 2), figures)
        assert all(v > 20 for v in figures.values())


@machines.parameter()
def test_all_on_one_pcpu(machine, guest, name):
    """Every vCPU of two domains on one pCPU: the scheduler's paths under the interrupt tests."""
    single = dataclasses.replace(machine, smp=1)
    args = suites.arguments(suites.SGI + suites.ROUTE + ["vtimer_smp", "psci_cycles"], rounds=30, listen="wfi")
    with run.hypervisor(single, [Domain(guest, args, cpus=2), Domain(guest, args, cpus=2)], name, limit=120) as r:
        run.finish(r, (1, 2))


@pytest.mark.line_01_5
@machines.parameter()
def test_interrupt_model(machine, guest, name, evidence):
    """Random walks through the interrupt controller's states against the guest's own model."""
    total = 0
    for seed in range(1, 5):
        figures = {}
        args = suites.arguments(suites.MODEL, steps=20000, seed=seed)
        with run.hypervisor(machine, [Domain(guest, args)], f"{name}-{seed}") as r:
            run.finish(r, (1,), figures)
        total += sum(figures.values())
    evidence("interrupts checked against the model", total)

