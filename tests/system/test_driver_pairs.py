# SPDX-License-Identifier: Apache-2.0
"""A driver domain stops between two stores, and dies there or goes on; meanwhile its frontend resets the device,
starts again or powers off. Nothing that was acknowledged is lost, and everybody else is served."""

import collections
import re

import pytest

import driver
import lives
import machine as machines
import outside
import ring
import run
from test_driver_crash import keys

pytestmark = pytest.mark.line_04_2
BLOCKS = 512
ALL = len(lives.STEPS)
DEVICE, QUEUES, RESTART, POWER_OFF, CRASH = range(1, 6)     # what a frontend does (ringload's enum action)


class World:
    """A driver domain (1) and frontends (2 and on), the first of which is looked at from outside."""

    def __init__(self, name, backend, frontends, machine=machines.A72_V3, edit=None):
        self.disk = driver.disk_image(name, 64)
        machine = outside.with_memory(driver.with_devices(self.disk, machine, 1024))
        domains = [ring.backend("shuffle=1 mean=30 least=20 " + backend, properties=lives.HEART), *frontends]
        self.run = run.hypervisor(machine, domains, name, limit=3000, edit=edit)

    def __enter__(self):
        self.run.__enter__()
        try:
            self.run.expect("RING now", domain=2, limit=30, refuse=ring.WRONG + "|the boot stops")
            self.outside = outside.Outside(self.run, self.disk)
        except BaseException:
            self.run.stop()
            raise
        return self

    def __exit__(self, *details):
        self.run.__exit__(*details)

    def look(self):
        wrong = self.outside.look(BLOCKS) + ring.wrong(self.run)
        assert not wrong, "; ".join(wrong[:4])

    def event(self, pattern, domain):
        _, match = self.run.expect(pattern, domain=domain, limit=30)
        return match

    def alive(self, domain):
        """That frontend is answered still."""
        before = len(ring.reports(self.run, domain))
        for _ in range(40):
            self.run.expect("RING now", domain=domain, limit=30)
            answers = [report[0] for report in ring.reports(self.run, domain)[before:]]
            if any(b > a for a, b in zip(answers, answers[1:])):
                return
        self.run.fail(f"domain {domain} is not answered any more")

    def record(self, evidence, steps, least=ALL):
        self.look()
        assert len(steps) >= least, f"never behind {[lives.STEPS[s] for s in set(range(ALL)) - set(steps)]}"
        evidence("by store", ", ".join(f"{lives.STEPS[s]} {n}" for s, n in sorted(steps.items())))
        evidence("lost, torn, duplicated", "0, 0, 0")
        evidence("looks from outside, acknowledged blocks compared", f"{self.outside.looks}, {self.outside.compared}")


def more(steps, rounds):
    """Until each was there so often; the first may have been before anybody looked."""
    count = sum(steps.values())
    return count < rounds * ALL or (len(steps) < ALL and count < 2 * rounds * ALL)


def meanwhile(r, said):
    """How often the driver domain stood still while the frontend did that, or had begun it."""
    count, still, doing = 0, False, False
    for line in r.lines:
        if line.domain == 1 and line.text.startswith("freezes"):
            still, counted = True, doing
            count += doing
        elif line.domain == 1 and line.text.startswith(("goes on", "dies")):
            still = False
        elif said in line.text:
            doing = True
            if still and not counted:
                counted = True
                count += 1
        elif re.search("RING has reset|RING now", line.text):
            doing = False
    return count


def resets(name, rounds, evidence):
    """The backend dies behind every store, those of a reset too, while devices are reset now and then."""
    steps = collections.Counter()
    with World(name, f"steps={ALL}", [ring.frontend("every=60")]) as w:
        while more(steps, rounds):
            steps[int(w.event(r"^dies behind store (\d+)", 1).group(1))] += 1
            w.event("DOM1 crashed, restarting", None)
            w.look()
        w.alive(2)
        w.record(evidence, steps)
        evidence("resets of the device", ring.reports(w.run, 2)[-1][3])


def stands_still(name, action, dies, rounds, evidence):
    """It stands still for long; the frontend does something about it; then it dies or goes on."""
    steps = collections.Counter()
    every = 40 if action != RESTART else 1000  # a restart resets too
    said = {DEVICE: "RING resets disk", QUEUES: "RING resets queues", RESTART: "RING restarts"}[action]
    with World(name, f"freeze=300 then={dies} steps={ALL}",
               [ring.frontend(f"action={action} stall=60 depth=3 every={every}", kept=True)]) as w:
        enough = ALL * rounds // 3
        # On a busy host the frontend is seldom in time.
        while more(steps, rounds) or (meanwhile(w.run, said) < enough and sum(steps.values()) < 4 * ALL * rounds):
            step = int(w.event(r"^freezes behind store (\d+)", 1).group(1))
            w.event("DOM1 crashed, restarting" if dies else r"^goes on behind store", None if dies else 1)
            steps[step] += 1
            w.look()
        w.alive(2)
        w.record(evidence, steps)
        acted = meanwhile(w.run, said)
        evidence("of them with the frontend's doing meanwhile", acted)
        assert acted >= enough


def killed(name, dies, rounds, evidence):
    """It stands still; the frontend is killed, or both are, in either order."""
    steps = collections.Counter()
    with World(name, f"freeze=150 then=0 steps={ALL}", [ring.frontend("every=40", kept=True)], edit=keys) as w:
        w.run.focus(0)
        while more(steps, rounds):
            step = int(w.event(r"^freezes behind store (\d+)", 1).group(1))
            order = ("c2", "c1") if sum(steps.values()) % 2 else ("c1", "c2")
            for key in order if dies else ("c2",):
                w.run.send(key)
            w.event(r"DOM2 crashed, restarting|DOM2.*crash", None)
            steps[step] += 1
            w.look()
        w.alive(2)
        w.record(evidence, steps)


def dies(name, count, machine, evidence):
    """No resets: the driver domain dies `count` times, in each life behind another store and in another way."""
    with World(name, "", [ring.frontend("")], machine) as w:
        for _ in range(count):
            w.event(r"^dies behind store (\d+)", 1)
            w.event("DOM1 crashed, restarting", None)
            w.look()
        w.alive(2)
        w.look()
        seen = lives.Lives(w.run, 1)
        reports = ring.reports(w.run, 2)
        assert sum("ready," in text for text in w.run.text_of(2)) == 1, "the frontend started again"
    seen.record(evidence)
    evidence("lost acknowledged writes, torn or duplicated completions, reboots of the frontend", "0, 0, 0")
    evidence("answers, of them overtaking, bytes verified", ", ".join(str(n) for n in reports[-1][:3]))
    evidence("looks from outside, acknowledged blocks compared, of them settled",
             f"{w.outside.looks}, {w.outside.compared}, {w.outside.settled}")
    evidence("pause with a slow host's share, ms, median and worst of reports",
             "{:.0f}, {:.0f}".format(*(x / 62500 for x in (sorted(p[4] for p in reports)[len(reports) // 2],
                                                             max(p[4] for p in reports)))))
    assert seen.share_in_flight() >= 90 and seen.overtook > seen.answers / 10
    return seen


def powers_off(name, dies, evidence):
    """One frontend after the other powers off while the driver domain stands still; the first stays."""
    others = 11
    frontends = [ring.frontend("stall=1000 queues=1 depth=4", queues=1, sectors=4096)]
    frontends += [ring.frontend(f"stall=50 action={POWER_OFF} at={i + 1} table=0 depth=2 blocks=64", i + 1, queues=1,
                                first_sector=8192 + 4096 * i, sectors=4096) for i in range(others)]
    steps = collections.Counter()
    with World(name, f"freeze=200 then={dies} steps={ALL - 1} mean=20", frontends) as w:
        off = 0
        while sum(steps.values()) < ALL - 1 or (off < others - 3 and sum(steps.values()) < 3 * ALL):
            step = int(w.event(r"^freezes behind store (\d+)", 1).group(1))
            w.event("DOM1 crashed, restarting" if dies else r"^goes on behind store", None if dies else 1)
            steps[step] += 1
            w.look()
            off = sum(re.search(r"DOM\d+ .*stays stopped", line.text) is not None for line in w.run.lines)
        w.alive(2)
        w.record(evidence, steps, ALL - 1)
        evidence("frontends that powered off", off)
        assert off >= others - 3


@machines.parameter(machines.A53_V2)
def test_dies(machine, name, evidence):
    dies(name, 30, machine, evidence)


@pytest.mark.long
def test_dies_1000_times(name, evidence):
    seen = dies(name, 1000, machines.A72_V3, evidence)
    assert min(seen.by_step()[s] for s in lives.S2) >= 20 and all(seen.by_kind()[k] for k in range(len(lives.KINDS)))


@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.long)])
def test_resets(rounds, name, evidence):
    resets(name, rounds, evidence)


# What a driver domain does after it stood still, and its frontend meanwhile; a part of it without `long`.
STILL = [(QUEUES, 0), (DEVICE, 1), (RESTART, 1)]
ALL_STILL = [(action, then) for action in (DEVICE, QUEUES, RESTART) for then in (0, 1)]


@pytest.mark.parametrize("action, then", STILL)
def test_stands_still(action, then, name, evidence):
    stands_still(name, action, then, 1, evidence)


@pytest.mark.long
@pytest.mark.parametrize("action, then", ALL_STILL)
def test_stands_still_long(action, then, name, evidence):
    stands_still(name, action, then, 8, evidence)


@pytest.mark.parametrize("both", [pytest.param(0, marks=pytest.mark.long), 1])
def test_killed(both, name, evidence):
    """The frontend, or both at once."""
    killed(name, both, 1, evidence)


@pytest.mark.long
@pytest.mark.parametrize("both", [0, 1])
def test_killed_long(both, name, evidence):
    killed(name, both, 8, evidence)


@pytest.mark.parametrize("then", [pytest.param(0, marks=pytest.mark.long), 1])
def test_powers_off(then, name, evidence):
    powers_off(name, then, evidence)
