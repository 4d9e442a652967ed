# SPDX-License-Identifier: Apache-2.0
"""Domains that end, come back, and leave the others alone."""

import dataclasses
import re

import pytest

import machine as machines
import run
from tree import Domain

ALWAYS = "bulkhead,restart = <0xffffffff>;"


def restarts(machine, guest, name, lives):
    """Restart one domain that often beside one that must not notice; returns the pool figures seen."""
    domains = [Domain(guest, "test=pristine,leave_cpus_running end=reset", cpus=2, memory=2048, properties=ALWAYS),
               Domain(guest, f"test=victim ms=1000 end=wait", memory=2048)]
    pools = set()
    with run.hypervisor(machine, domains, name, limit=60 + lives) as r:
        for _ in range(lives):
            r.expect(r"PASS pristine", domain=1, limit=30, refuse="FAIL")
            r.expect(r"PASS leave_cpus_running", domain=1, limit=30, refuse="FAIL")
        r.rewind()
        r.expect(r"PASS victim", domain=2, refuse="FAIL")
        for line in r.lines:
            found = re.search(r"DOM1 .*pool (\d+) of (\d+)", line.text)
            if found and line.domain is None:
                pools.add(found.groups())
    return pools


@pytest.mark.line_01_1
@machines.parameter()
def test_restart(machine, guest, name, evidence):
    pools = restarts(machine, guest, name, 50)
    assert len(pools) == 1, f"the pool differs between lives: {pools}"
    evidence("restarts with equal pool counts", 50)


@pytest.mark.long
@machines.parameter()
def test_restart_1000(machine, guest, name):
    assert len(restarts(machine, guest, name, 1000)) == 1


@pytest.mark.parametrize("value,lives", [("", 1), ("bulkhead,restart = <0>;", 1), ("bulkhead,restart = <3>;", 4)])
def test_restart_policy(value, lives, guest, name):
    with run.hypervisor(machines.A72_V3, [Domain(guest, "test=hello end=reset", properties=value)], name) as r:
        r.wait_end(30)
        assert sum("PASS hello" in l.text for l in r.lines) == lives


def test_last_off_ends_machine(guest, name):
    domains = [Domain(guest, "test=hello"), Domain(guest, "test=victim ms=300"), Domain(guest, "test=hello end=reset")]
    with run.hypervisor(machines.A72_V3, domains, name) as r:
        r.wait_end(30)


@pytest.mark.line_01_5
@pytest.mark.parametrize("ginsn", [pytest.param(20, id="20G"), pytest.param(200, id="200G", marks=pytest.mark.long)])
def test_soak(ginsn, guest, name, evidence):
    """Instructions are counted: one tick of the 1 GHz counter under icount shift=0 is one."""
    machine = dataclasses.replace(machines.A72_V3, cpu="cortex-a72,cntfrq=1000000000", smp=2,
                                  icount="shift=0,sleep=off")
    figures = {}
    domains = [Domain(guest, f"test=soak ginsn={ginsn} work=450", cpus=2)]
    with run.hypervisor(machine, domains, name, limit=60 + 60 * ginsn) as r:
        run.finish(r, (1,), figures)
    assert figures["soak.interrupts"] >= 500_000 * ginsn
    assert figures["soak.ticks"] >= ginsn * 10**9
    evidence("instructions", figures["soak.ticks"])
    evidence("interrupts, sent = seen", figures["soak.interrupts"])
