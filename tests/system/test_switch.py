# SPDX-License-Identifier: Apache-2.0
"""The rules of the net driver domain's switch, seen by frontends without an operating system (tests/domains/netload):
who reaches whom, from which addresses, and how fast. Each refusal has beside it a frontend that is served."""

import dataclasses
import os

import pytest

import driver
import machine as machines
import run
import tree
from tree import Domain

pytestmark = pytest.mark.line_04_1
FRAMES, RATED = 100, 100
BYTES, KBIT, TICKS = 1514, 2000, 1000000000  # of a frame; of the limited; in a second on this machine
BURST_MS = 25  # of tokens, and of the first and the last frame


MACHINE = dataclasses.replace(machines.A53_V2, cpu=f"cortex-a53,cntfrq={TICKS}", gic=3, smp=3,
                              icount="shift=0,sleep=off")  # time passes by instructions, not by the load of the host


def _port(name, arguments, rules, pcpu=1):
    return Domain(os.path.join(run.O, "domains", "netload.img"), arguments, memory=4096, name=name,
                  nodes=tree.virtio(driver.FIRST, "net", "net", more=rules) +
                  f'vcpu0 {{ compatible = "xen,vcpu"; id = <0>; hard-affinity = "{pcpu}"; }};')


def test_rules(name, evidence):
    asks = f"count={FRAMES} window=1 wait-ms=20 "
    domains = [
        Domain(os.path.join(run.O, "domains", "net.img"), memory=192, vpl011=False, name="net",
               properties=driver.ALWAYS + "bulkhead,priority = <200>;"),
        _port("receiver", "verify=1", "", 2),
        _port("bridge", asks + "to=2 stations=2 verify=1", "bulkhead,any-source;"),
        _port("claimer", asks + "to=2 stations=2", ""),
        _port("alone", asks + "to=6", "bulkhead,isolated;"),
        _port("other", "", "bulkhead,isolated;", 2),
        _port("slow", f"count={RATED} window=1 wait-ms=5000 to=2", f"bulkhead,rate-kbit = <{KBIT}>;"),
        _port("fast", f"count={RATED} window=1 wait-ms=5000 to=2", ""),
    ]
    seen = {}
    with run.hypervisor(MACHINE, domains, name, limit=120) as r:
        for domid in (3, 4, 5, 7, 8):
            r.rewind(0)
            _, done = r.expect(r"LOAD done frames=\d+ bytes=\d+ ticks=(\d+) slowest=\d+ answers=(\d+) lost=(\d+) "
                               r"wrong=(\d+)", domain=domid, refuse="crash:|LOAD wrong")
            seen[domid] = tuple(int(x) for x in done.groups())
    _, bridged, lost, _ = seen[3]
    _, own, claimed, _ = seen[4]
    _, crossed, kept, _ = seen[5]
    ms = {who: seen[who][0] * 1000 / TICKS for who in (7, 8)}
    least = RATED * BYTES * 8 / KBIT - BURST_MS
    evidence("frames from two addresses behind one port, answered", f"{bridged} of {FRAMES}")
    evidence("the same without bulkhead,any-source: answered, blocked", f"{own}, {claimed}")
    evidence("between isolated ports: answered, blocked", f"{crossed}, {kept}")
    evidence(f"ms for {RATED} frames at {KBIT} kbit/s, without limit", f"{ms[7]:.0f}, {ms[8]:.0f}")
    assert (bridged, lost) == (FRAMES, 0)
    assert (own, claimed) == (FRAMES // 2, FRAMES // 2)
    assert (crossed, kept) == (0, FRAMES)
    assert ms[7] >= least > 2 * ms[8], "the limit, or its control"
