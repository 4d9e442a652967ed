# SPDX-License-Identifier: Apache-2.0
"""Driver domains that are killed, or die, under verified load: a pause, and nothing else."""

import dataclasses
import random
import time

import pytest

import driver
import lives
import machine as machines
import outside
import run

pytestmark = pytest.mark.line_04_2
WORKERS = 8
MIB = 16
BLOCKS = MIB * 256
FILLED = MIB * 16  # operations, until each block has been written once
TROUBLE = "Kernel panic|I/O error|BLK wrong"
DEVICE = "bulkhead,queues = <4>;"


def keys(base):
    """The console may crash domains."""
    return base + "\n/ { chosen { bulkhead,console-keys; }; };\n"


class World:
    """A Linux with a verified load on a disk that a driver domain serves, and the look from outside."""

    def __init__(self, r, disk):
        self.run, self.disk = r, disk
        driver.ready(r, 2)
        r.send(f"blkcheck /dev/vda {MIB} 100000 {WORKERS} &\n", pause=0.002)
        r.expect("BLK now", domain=2, limit=30)
        self.load = driver.Load(r, 2)
        while self.load.seen()[-1][1] < FILLED:
            r.expect("BLK now", domain=2, limit=60, refuse=TROUBLE)
        self.outside = outside.Outside(r, disk)

    def look(self):
        wrong = self.outside.look(BLOCKS)
        assert not wrong, f"{len(wrong)} blocks, the first: {'; '.join(wrong[:3])}"

    def end(self, evidence, limit=300):
        """Stop the load; everything must be right, inside and outside."""
        self.look()
        self.run.send("touch /tmp/stop\n", pause=0.002)
        writes, reads, count, wrong, failed, versions = self.load.end(WORKERS, limit)
        assert (wrong, failed) == (0, 0), f"{wrong} acknowledged blocks lost, {failed} requests failed"
        assert driver.versions_on(self.disk, MIB, WORKERS) == versions, "the image differs from what was acknowledged"
        driver.ask(self.run, 2, "complaints", "TEST done")
        assert driver.complaints(self.run, 2) == []
        assert sum("TEST ready" in text for text in self.run.text_of(2)) == 1, "the frontend started again"
        self.outside.close()
        evidence("lost acknowledged writes, torn or duplicated completions, reboots of the frontend", "0, 0, 0")
        evidence("verified operations, bytes", f"{writes + reads}, {count}")
        evidence("looks at the image from outside, acknowledged blocks compared, of them settled",
                 f"{self.outside.looks}, {self.outside.compared}, {self.outside.settled}")


def linux(buffers="all"):
    return driver.frontend([("block", "block", DEVICE)], cpus=4, buffers=buffers)


def kill(r, number):
    """Crash that domain; the input is the hypervisor's."""
    r.send(f"c{number}")
    r.expect(rf"DOM{number}.*crash", domain=None, limit=30)


def crash_under_load(machine, name, kills, evidence, seed=1, buffers="all"):
    """Verified load with a kill now and then."""
    disk = driver.disk_image(name, MIB)
    dice = random.Random(seed)
    pauses = []
    machine = outside.with_memory(driver.with_devices(disk, machine))
    domains = [driver.backend("block", 0), linux(buffers)]
    with run.hypervisor(machine, domains, name, limit=300 + 4 * kills, edit=keys) as r:
        world = World(r, disk)
        r.focus(0)
        for _ in range(kills):
            before = len(world.load.seen())
            kill(r, 1)
            world.look()
            operations = None
            while operations is None or world.load.seen()[-1][1] <= operations:  # until it works again
                r.expect("BLK now", domain=2, limit=60, refuse=TROUBLE)
                operations = operations if operations is not None else world.load.seen()[-1][1]
            pauses.append(max(slowest for _, _, slowest in world.load.seen()[before:]))
            time.sleep(dice.random() * 0.3)
        r.focus(2)
        evidence("kills", len(pauses))
        world.end(evidence)
    pauses.sort()
    evidence("slowest request around a kill in ms, median and worst",
             f"{pauses[len(pauses) // 2] / 1000:.1f}, {pauses[-1] / 1000:.1f}")


def die_by_itself(machine, name, count, evidence, buffers="all", share=75):
    """A driver that dies behind a store of the rings or of the state page, in each life behind another one.

    `share`: per cent of the deaths that must find a request in flight; a few dozen deaths say less than a thousand."""
    disk = driver.disk_image(name, MIB)
    backend = dataclasses.replace(driver.backend("block", 0, image=lives.image("block"), properties=lives.HEART),
                                  bootargs="shuffle=1")
    machine = outside.with_memory(driver.with_devices(disk, machine))
    with run.hypervisor(machine, [backend, linux(buffers)], name, limit=300 + 4 * count) as r:
        world = World(r, disk)
        for _ in range(count):
            r.expect(r"^dies behind store (\d+)", domain=1, limit=60)
            r.expect(r"DOM1 crashed, restarting", domain=None, limit=30)
            world.look()
        world.end(evidence)
        seen = lives.Lives(r, 1)
        seen.record(evidence)
        assert seen.ends >= sum(seen.deaths.values()) >= count  # more: the watchdog of a slow machine
        assert seen.share_in_flight() >= share, f"only {seen.share_in_flight():.1f} % died with a request in flight"
        assert seen.overtook > seen.answers / 10, "the disk answers in order"
    return seen


@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_dies_at_each_store(machine, name, evidence):
    die_by_itself(machine, name, 50, evidence)


@pytest.mark.long
def test_dies_1000_times(name, evidence):
    seen = die_by_itself(machines.A72_V3, name, 1000, evidence, share=90)
    assert min(seen.by_step()[s] for s in lives.S2) >= 20 and all(seen.by_kind()[k] for k in range(len(lives.KINDS)))


@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_crash(machine, name, evidence):
    crash_under_load(machine, name, 50, evidence)


@pytest.mark.long
def test_crash_1000(name, evidence):
    crash_under_load(machines.A72_V3, name, 1000, evidence, seed=2)
