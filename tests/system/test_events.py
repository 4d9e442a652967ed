# SPDX-License-Identifier: Apache-2.0
"""Event channels of bare-metal guests: between CPUs of one domain, and between domains over a static channel."""

import dataclasses

import pytest

import machine as machines
import run
from tree import Domain

OWN = ["event_self", "event_masked", "event_cpus", "event_timer", "event_poll"]
BELLS = ['b1: bell { compatible = "xen,evtchn-v1"; xen,evtchn = <10 &b2>; };',
         'b2: bell { compatible = "xen,evtchn-v1"; xen,evtchn = <700 &b1>; };']

# Room for what these tests bind; domains that are told of no event have 63 ports.
PORTS = "bulkhead,max-evtchn-port = <1023>;"


def pair(guest, test, more="", properties=("", "")):
    return [Domain(guest, f"test={test} side={side} port={port} {more}", nodes=BELLS[side], properties=properties[side])
            for side, port in enumerate((10, 700))]


@pytest.mark.line_03_1
@machines.parameter()
def test_own(machine, guest, name):
    """On pCPUs of their own."""
    with run.hypervisor(machine, [Domain(guest, "test=" + ",".join(OWN), cpus=2, properties=PORTS)], name) as r:
        results = run.finish(r, (1,))
        assert len(results) == len(OWN)


@machines.parameter()
def test_own_shared(machine, guest, name):
    """Two domains of two vCPUs on one pCPU."""
    single = dataclasses.replace(machine, smp=1)
    domains = [Domain(guest, "test=" + ",".join(OWN) + " rounds=40", cpus=2, properties=PORTS) for _ in range(2)]
    with run.hypervisor(single, domains, name, limit=180) as r:
        run.finish(r, (1, 2))


@pytest.mark.line_03_1
@pytest.mark.parametrize("smp", [1, 4])
@machines.parameter()
def test_pair(machine, smp, guest, name):
    """There and back over a static channel; on one pCPU too."""
    figures = {}
    with run.hypervisor(dataclasses.replace(machine, smp=smp), pair(guest, "event_pair"), name) as r:
        run.finish(r, (1,), figures)


@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_restart(machine, guest, name):
    """One end restarts; the other end is told, and the channel works on."""
    domains = pair(guest, "event_restart", "lives=5", ("", "bulkhead,restart = <0xffffffff>;"))
    with run.hypervisor(machine, domains, name) as r:
        run.finish(r, (1,))
        assert sum("LIFE" in line for line in r.text_of(1)) == 5
