# SPDX-License-Identifier: Apache-2.0
"""Accesses that another domain answers: a bare-metal frontend that directs a bare-metal backend (ioreq_protocol.h)."""

import re

import pytest

import machine as machines
import run
import tree
from tree import Domain

MACHINES = machines.parameter(machines.A53_V2, machines.A72_V3)
# A backend that shares its pCPU goes first: otherwise an access waits for a turn.
ALWAYS = "bulkhead,restart = <0xffffffff>;"
FIRST_OF_ALL = "bulkhead,priority = <200>;"
FIRST, SECOND = 0x2000000, 0x2000200
# Two vCPUs of different domains that take turns.
SHARED = 'vcpu0 { compatible = "xen,vcpu"; id = <0>; hard-affinity = "1"; };'


def backend(guest, args="", **more):
    return Domain(guest, f"test=ioreq_serve {args}", properties=ALWAYS + FIRST_OF_ALL, **more)


def frontend(guest, tests, args="", servers=("domU1",), device="", cpus=2, nodes="", **more):
    text = "".join(tree.virtio(FIRST + 0x200 * i, s, more=device) for i, s in enumerate(servers))
    return Domain(guest, f"test={tests} {args}", cpus=cpus, nodes=text + nodes, **more)


def no_violation(r):
    """The backend found nothing wrong with what it was told, and did not survive what it must not."""
    wrong = [l.text for l in r.lines if re.match(r"FAIL ioreq_serve|VIOLATION 0x8\d had no effect", l.text)]
    if wrong:
        r.fail(wrong[0])


COMMON = "ioreq_widths,ioreq_stores,ioreq_write_back,ioreq_odd,ioreq_smp,ioreq_bells,ioreq_interrupts,ioreq_windows"


@pytest.mark.line_04_1
@MACHINES
@pytest.mark.parametrize("backend_first", [True, False], ids=["backend-1st", "frontend-1st"])
def test_accesses(machine, backend_first, guest, name):
    """All widths, all processors, two devices of one backend; doorbells, interrupts, memory."""
    domains = [backend(guest), frontend(guest, COMMON, servers=("domU1", "domU1"))]
    if not backend_first:
        domains = [frontend(guest, COMMON, servers=("domU2", "domU2")), backend(guest)]
    with run.hypervisor(machine, domains, name, limit=120) as r:
        run.finish(r, (2 if backend_first else 1,))
        no_violation(r)


@pytest.mark.line_04_1
@MACHINES
def test_backend_for_xen(machine, guest, name, evidence):
    """One that uses Xen's calls only serves all processors of a frontend (tests/guests/tests/xen_backend.c)."""
    tests = "ioreq_widths,ioreq_stores,ioreq_write_back,ioreq_odd,ioreq_smp,ioreq_interrupts"
    # The frontend's only device has the last interrupt of those that it gets without nr_spis.
    server = Domain(guest, f"test=xen_serve fe=2 base=0x{FIRST:x} irq=287",
                    properties=FIRST_OF_ALL + 'xen,enhanced = "no-xenstore";')
    with run.hypervisor(machine, [server, frontend(guest, tests, "rounds=100", cpus=4)], name) as r:
        run.finish(r, (2,))
        no_violation(r)
        served = [l.text for l in r.lines if re.match(r"SERVED \d+ requests", l.text)]
        bad = [l.text for l in r.lines if l.text.startswith("FAIL")]
    assert served and not bad, bad
    evidence("served by a backend for Xen, 4 vCPUs", served[-1])


@pytest.mark.line_04_1
@MACHINES
def test_one_pcpu(machine, guest, name):
    """Backend and frontend take turns on one pCPU."""
    domains = [backend(guest, nodes=SHARED), frontend(guest, COMMON, cpus=1, nodes=SHARED)]
    with run.hypervisor(machine, domains, name, limit=120) as r:
        run.finish(r, (2,))
        no_violation(r)


@pytest.mark.line_04_1
@MACHINES
def test_several(machine, guest, name):
    """Two frontends with two backends each, at once; one backend serves both."""
    domains = [backend(guest), backend(guest), frontend(guest, COMMON, servers=("domU1", "domU2")),
               frontend(guest, COMMON, servers=("domU2", "domU1"), cpus=4)]
    with run.hypervisor(machine, domains, name, limit=180) as r:
        run.finish(r, (3, 4))
        no_violation(r)


@MACHINES
def test_late_backend(machine, guest, name, evidence):
    """The first access waits for a backend that comes later."""
    figures = {}
    domains = [backend(guest, "late=700"), frontend(guest, "ioreq_first,ioreq_widths", "late=300")]
    with run.hypervisor(machine, domains, name) as r:
        run.finish(r, (2,), figures)
        no_violation(r)
    evidence("ms that the first access waited", figures["ioreq_first.ms"])


@MACHINES
@pytest.mark.parametrize("end", ["abort", "ones", "default"])
def test_limit(machine, end, guest, name):
    """Nobody comes: the access ends as described, after the time described."""
    device = "bulkhead,park-ms = <100>;" + (f' bulkhead,park-end = "{end}";' if end != "default" else "")
    domains = [backend(guest, "late=0xffffffffffffffff"),
               frontend(guest, "ioreq_limit", f"limit=100 ones={int(end == 'ones')}", device=device)]
    with run.hypervisor(machine, domains, name) as r:
        run.finish(r, (2,))


@pytest.mark.line_04_2
@MACHINES
def test_backend_crash(machine, guest, name, evidence):
    """In the middle of accesses of all processors; each is answered once, by the next life."""
    domains = [backend(guest), frontend(guest, "ioreq_crash,ioreq_bell_away,ioreq_widths", "crashes=30", cpus=3)]
    with run.hypervisor(machine, domains, name, limit=180) as r:
        run.finish(r, (2,))
        no_violation(r)
        pauses = sorted(int(m.group(1)) for m in (re.match(r"PAUSE (\d+) us", l.text) for l in r.lines) if m)
    evidence("crashes in an access", len(pauses))
    evidence("pause in us, median and worst", f"{pauses[len(pauses) // 2]}, {pauses[-1]}")


@pytest.mark.line_04_2
@MACHINES
def test_frontend_lives(machine, guest, name):
    """A frontend that leaves with requests in flight: the backend is told, and the next life finds nothing of them."""
    domains = [backend(guest), frontend(guest, "ioreq_lives", "lives=20", cpus=3, properties=ALWAYS)]
    with run.hypervisor(machine, domains, name, limit=120) as r:
        for life in range(1, 21):
            r.expect(rf"LIFE {life}$", domain=2, refuse="FAIL")
        r.expect("DONE passed=1", domain=2, refuse="FAIL")
        no_violation(r)


@pytest.mark.line_04_1
@MACHINES
def test_hostile_backend(machine, guest, name, evidence):
    """What it must not do is refused, or stops it; a frontend of another backend is not concerned."""
    domains = [backend(guest), frontend(guest, "ioreq_hostile,ioreq_violations,ioreq_widths", cpus=2), backend(guest),
               frontend(guest, ",".join(["ioreq_widths,ioreq_smp"] * 10), servers=("domU3",), cpus=2)]
    with run.hypervisor(machine, domains, name, limit=120) as r:
        run.finish(r, (2, 4))
        no_violation(r)
        tried = [m.groups() for m in (re.match(r"TRIED (\d+) (.*), (\d+) refused", l.text) for l in r.lines) if m]
        lives = [int(m.group(1)) for m in (re.match(r"VIOLATION .* life (\d+)", l.text) for l in r.lines) if m]
        served = sum(l.domain == 4 and l.text.startswith("PASS ioreq_") for l in r.lines)
    for attempts, what, refused in tried:
        evidence(f"{what}: attempts, blocked", f"{attempts}, {refused}")
        assert attempts == refused != "0"
    evidence("violations of the protocol, backend stopped for them", f"{len(lives)}, {lives[-1] - 1}")
    evidence("controls fired: tests that another frontend passed meanwhile", served)
    assert len(tried) == 2 and lives[-1] > 1 and served == 20


@pytest.mark.line_04_1
def test_hostile_frontend(guest, name, evidence):
    """Odd accesses by one do not disturb the other of the same backend."""
    domains = [backend(guest), frontend(guest, ",".join(["ioreq_odd"] * 30), cpus=1),
               frontend(guest, ",".join([COMMON] * 3))]
    figures = {}
    with run.hypervisor(machines.MAX_V3, domains, name, limit=120) as r:
        run.finish(r, (2, 3), figures)
        no_violation(r)
        odd = sum(l.domain == 2 and l.text == "PASS ioreq_odd" for l in r.lines)
        served = sum(l.domain == 3 and l.text.startswith("PASS ioreq_") for l in r.lines)
    evidence("odd accesses of one frontend", 8 * odd)
    evidence("aborted of the 8 in each round", figures[2, "ioreq_odd.aborts"])
    evidence("controls fired: tests that the other passed meanwhile", served)
    assert odd == 30 and served == 3 * len(COMMON.split(","))
