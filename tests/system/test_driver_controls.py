# SPDX-License-Identifier: Apache-2.0
"""Backends with one mistake each, which the tests of crashes must find by the same look; and state pages that are
damaged, which cost one device a reset and nobody else anything."""

import collections
import re

import pytest

import driver
import machine as machines
import outside
import ring
import run

pytestmark = pytest.mark.line_04_2
BLOCKS = 512
# enum steps_break; what of the backend dies, the frontend that can see it, and what it is to see: nothing else counts
MISTAKES = {"skips": (1, "shuffle=1", "", "without an answer"),
            "repeats": (2, "shuffle=1", "", "needs a reset|answer to nothing"),
            "reorders": (3, "", "overlap=1", "block, version expected"),
            "used_early": (4, "shuffle=1 step=6", "", "needs a reset|without an answer"),
            "answers_early": (5, "", "", "was acknowledged|block, version expected")}
DEATHS = 12
AGE = 2000      # milliseconds after which a request is late
REPORTS = 4     # of the frontend in a second
DAMAGES = 12    # ways in which steps.c damages a state page


def start(name, arguments, load, edit=None):
    """The machine, its disk (None: memory) and the arguments of both domains."""
    ordered = "overlap=1" in load
    backend = ring.backend(f"mean=20 least=10 kind=0 lives={DEATHS} {arguments}", disk=not ordered)
    frontend = ring.frontend(f"age={AGE} {load}", queues=1 if ordered else 4)
    disk = None if ordered else driver.disk_image(name, 16)
    machine = machines.A72_V3 if ordered else driver.with_devices(disk, machines.A72_V3, 1024)
    return run.hypervisor(outside.with_memory(machine), [backend, frontend], name, limit=120, edit=edit), disk


def seen(r):
    """What the frontend has seen. That a request is late counts at the end only, see unanswered()."""
    return [text for text in ring.wrong(r) if "without an answer" not in text]


def unanswered(r):
    """Requests that stay without an answer when the backend dies no more. While its lives are short they may come to
    the last queue seldom, on a slow host above all: such requests are answered now."""
    before, settled = len(ring.reports(r, 2)), AGE * REPORTS // 1000 + 2 * REPORTS
    while (count := len(ring.reports(r, 2)) - before) < settled or (ring.late(r, 2) and count < settled + 3 * REPORTS):
        r.expect("RING now", domain=2, limit=30)
    late = ring.late(r, 2)
    return [f"{late} requests without an answer"] if late else []


def find(name, arguments, load):
    """What is wrong after some deaths; all of them if nothing is."""
    r, disk = start(name, arguments, load)
    with r:
        r.expect("RING now|RING wrong", domain=2, limit=30)
        look = outside.Outside(r, disk) if disk else None
        wrong, deaths = [], 0
        while deaths < DEATHS and not wrong and not seen(r):
            _, m = r.expect(r"^life (\d+) finds|RING wrong", limit=30)
            deaths = int(m.group(1) or deaths)
            wrong = look.look(BLOCKS) if look else []
        late = [] if wrong or seen(r) else unanswered(r)
        return deaths, [f"from outside: {w}" for w in wrong] + seen(r) + late


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_mistake(mistake, name, evidence):
    number, arguments, load, text = MISTAKES[mistake]
    deaths, wrong = find(name, f"{arguments} control={number}", load)
    own = [w for w in wrong if re.search(text, w)]
    assert own, f"{deaths} deaths, and nobody saw that it {mistake}, but {wrong}"
    evidence("control fired", f"after {deaths} deaths: {own[0]}")


@pytest.mark.parametrize("arguments, load", [("shuffle=1", ""), ("", "overlap=1")], ids=["shuffled", "ordered"])
def test_no_mistake(arguments, load, name, evidence):
    """The same without a mistake."""
    deaths, wrong = find(name, arguments, load)
    assert wrong == [] and deaths == DEATHS
    evidence("deaths, what was wrong", f"{deaths}, nothing")


def test_damaged_state(name, evidence):
    """Two frontends, three devices; the state of one is damaged before each death."""
    disk = driver.disk_image(name, 16)
    machine = outside.with_memory(driver.with_devices(disk, machines.A72_V3, 1024))
    frontends = [ring.frontend("needs=1 depth=2", 0, disks=2, queues=2),
                 ring.frontend("needs=1 depth=2 table=0", 1, queues=2, first_sector=16384)]
    backend = ring.backend("mean=20 least=300 damage=1 kind=0")
    damages, victims = collections.Counter(), collections.Counter()
    with run.hypervisor(machine, [backend, *frontends], name, limit=400) as r:
        r.expect("RING now", domain=2, limit=30)
        look = outside.Outside(r, disk)
        while len(damages) < DAMAGES:
            _, m = r.expect(r"^damages (\d+) of its state", domain=1, limit=30)
            damages[int(m.group(1))] += 1
            line, m = r.expect(r"RING disk (\d) needs a reset", limit=60, refuse="RING wrong")
            number = m.group(1)
            victims[line.domain, int(number)] += 1
            r.expect(rf"RING has reset disk {number}", domain=line.domain, limit=60)
            wrong = look.look(BLOCKS) + ring.wrong(r)
            assert not wrong, "; ".join(wrong[:4])
        for domain, disks in ((2, 2), (3, 1)):
            for number in range(disks):
                before = ring.reports(r, domain, number)[-1][0]
                while ring.reports(r, domain, number)[-1][0] <= before:
                    r.expect("RING now", domain=domain, limit=30)
        needs = [l.domain for l in r.lines if re.search("RING disk . needs a reset", l.text)]
        resets = sum(re.search("RING has reset", l.text) is not None for l in r.lines)
        done = sum(l.domain == 1 and l.text.startswith("damages") for l in r.lines)
    assert len(victims) <= 2, f"{victims}: others lost their device too"
    assert done - 1 <= len(needs) <= done, f"{len(needs)} needed a reset after {done} damages"
    evidence("state pages damaged, DEVICE_NEEDS_RESET seen, resets, devices that work again",
             f"{done}, {len(needs)}, {resets}, {len(victims)} of {len(victims)}")
    evidence("devices and frontends disturbed beside", 0)
    evidence("ways of damage", len(damages))
