# SPDX-License-Identifier: Apache-2.0
"""Heartbeats: a domain that stays away is stopped and comes back; its neighbour on the pCPU is not concerned."""

import re

import pytest

import machine as machines
import run
from tree import Domain

pytestmark = pytest.mark.line_04_2
HEART = "bulkhead,heartbeat-ms = <100>;"
LIVES = 5


def on(*pcpus):
    return "".join(f'vcpu{v} {{ compatible = "xen,vcpu"; id = <{v}>; hard-affinity = "{p}"; }};'
                   for v, p in enumerate(pcpus))


def system(guest, arguments, properties=HEART):
    """The domain that hangs, with its vCPU 0 on the victim's pCPU, and the victim."""
    return [Domain(guest, f"test=heartbeat {arguments}", cpus=2, memory=2048, nodes=on(0, 1),
                   properties=f"bulkhead,restart = <0xffffffff>; {properties}"),
            Domain(guest, "test=victim ms=3000 end=wait", memory=2048, nodes=on(0))]


def deaths(r):
    return [l.when for l in r.lines if l.domain is None and re.search(r"DOM1: watchdog 1", l.text)]


@machines.parameter(machines.A53_V2, machines.A72_V3)
@pytest.mark.parametrize("arguments", ["ms=300", "never=1"], ids=["hangs", "never"])
def test_heartbeat(arguments, machine, guest, name, evidence):
    """Wild beats from two vCPUs keep it alive for thrice its limit; then it spins with interrupts masked."""
    with run.hypervisor(machine, system(guest, arguments), name, limit=120) as r:
        for _ in range(LIVES):
            r.expect(r"^HANGS after", domain=1, refuse="FAIL")
            r.expect(r"DOM1: watchdog 1", domain=None, refuse="HANGS")
            r.expect(r"DOM1 crashed, restarting", domain=None)
        r.rewind()
        r.expect(r"PASS victim", domain=2, refuse="FAIL")
        evidence("hangs ended by the watchdog", len(deaths(r)))


def test_no_heartbeat(guest, name):
    """The control: without the property the domain hangs for ever, and watchdogs are as Xen's."""
    with run.hypervisor(machines.A72_V3, system(guest, "never=1", ""), name, limit=120) as r:
        r.expect(r"^HANGS after", domain=1, refuse="FAIL")
        r.rewind()
        r.expect(r"PASS victim", domain=2, refuse="FAIL")
        assert not deaths(r) and not [l for l in r.lines if "DOM1 crashed" in l.text]


def test_back_off(guest, name, evidence):
    """Three restarts of a window: at once, after 10 ms, after 20 ms; then it stays stopped, and the victim goes on."""
    domains = system(guest, "never=1", HEART)
    domains[0].properties = f"bulkhead,restart = <3>; {HEART}"
    with run.hypervisor(machines.A72_V3, domains, name, limit=120) as r:
        r.expect(r"DOM1 crashed, stays stopped", domain=None)
        r.rewind()
        r.expect(r"PASS victim", domain=2, refuse="FAIL")
        waits = [int(m.group(1)) for m in (re.search(r"DOM1: restart \d+, in (\d+) ms", l.text)
                                           for l in r.lines) if m]
    assert waits == [10, 20]
    evidence("ms before the second and the third restart", ", ".join(map(str, waits)))
