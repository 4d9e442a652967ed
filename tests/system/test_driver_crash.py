# SPDX-License-Identifier: Apache-2.0
"""Driver domains that are killed under verified load: a pause, and nothing else."""

import collections
import os
import random
import re
import time

import pytest

import driver
import machine as machines
import run

pytestmark = pytest.mark.line_04_2
WORKERS = 4
MIB = 16
FILLED = MIB * 16  # operations, until each block has been written once


def keys(base):
    """The console may crash domains."""
    return base + "\n/ { chosen { bulkhead,console-keys; }; };\n"


def kill(r, number):
    """Crash that domain; the input is the hypervisor's."""
    r.send(f"c{number}")
    r.expect(rf"DOM{number}.*crash", domain=None, limit=30)


def crash_under_load(machine, name, kills, seed=1):
    """Verified load with a kill now and then; returns (operations, bytes, pauses in us)."""
    disk = driver.disk_image(name, MIB)
    domains = [driver.backend("block", 0), driver.frontend([("block", "block", "bulkhead,queues = <2>;")])]
    dice = random.Random(seed)
    pauses = []
    with run.hypervisor(driver.with_devices(disk, machine), domains, name, limit=300 + 4 * kills, edit=keys) as r:
        driver.ready(r, 2)
        r.send(f"blkcheck /dev/vda {MIB} 100000 {WORKERS} &\n", pause=0.002)
        r.expect("BLK now", domain=2, limit=30)
        load = driver.Load(r, 2)
        while load.seen()[-1][1] < FILLED:
            r.expect("BLK now", domain=2, limit=60, refuse="Kernel panic|I/O error|BLK wrong")
        r.focus(0)
        for _ in range(kills):
            before = len(load.seen())
            kill(r, 1)
            operations = None
            while operations is None or load.seen()[-1][1] <= operations:  # until it works again
                r.expect("BLK now", domain=2, limit=60, refuse="Kernel panic|I/O error|BLK wrong")
                operations = operations if operations is not None else load.seen()[-1][1]
            pauses.append(max(slowest for _, _, slowest in load.seen()[before:]))
            time.sleep(dice.random() * 0.3)
        r.focus(2)
        r.send("touch /tmp/stop\n", pause=0.002)
        writes, reads, count, wrong, failed, versions = load.end(WORKERS, 200)
        assert (wrong, failed) == (0, 0), f"{wrong} acknowledged blocks lost, {failed} requests failed"
        assert driver.versions_on(disk, MIB, WORKERS) == versions, "the image differs from what was acknowledged"
        driver.ask(r, 2, "complaints", "TEST done")
        assert driver.complaints(r, 2) == []
        assert sum("TEST ready" in text for text in r.text_of(2)) == 1
    return writes + reads, count, sorted(pauses)


def die_by_itself(machine, name, lives, properties="bulkhead,queues = <2>;"):
    """A driver that dies behind a store of the rings or of the state page, in each life behind another one.

    Returns (operations, bytes, lives by store, stopped by the watchdog)."""
    disk = driver.disk_image(name, MIB)
    step = os.path.join(run.O, "domains", "block-step.img")
    domains = [driver.backend("block", 0, image=step), driver.frontend([("block", "block", properties)])]
    with run.hypervisor(driver.with_devices(disk, machine), domains, name, limit=300 + 4 * lives) as r:
        driver.ready(r, 2)
        r.send(f"blkcheck /dev/vda {MIB} 100000 {WORKERS} &\n", pause=0.002)
        stores = collections.Counter()
        while sum(stores.values()) < lives:
            _, m = r.expect(r"dies behind store (\d+)", domain=1, limit=60)
            stores[int(m.group(1))] += 1
            r.expect(r"DOM1 crashed, restarting", domain=None, limit=30)
        r.send("touch /tmp/stop\n", pause=0.002)
        writes, reads, count, wrong, failed, versions = driver.Load(r, 2).end(WORKERS, 300)
        assert (wrong, failed) == (0, 0), f"{wrong} acknowledged blocks lost, {failed} requests failed"
        assert driver.versions_on(disk, MIB, WORKERS) == versions, "the image differs from what was acknowledged"
        driver.ask(r, 2, "complaints", "TEST done")
        assert driver.complaints(r, 2) == []
        assert sum("TEST ready" in text for text in r.text_of(2)) == 1
        hung = sum(re.search(r"DOM1: watchdog", l.text) is not None for l in r.lines if l.domain is None)
    return writes + reads, count, stores, hung


@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_dies_at_each_store(machine, name, evidence):
    operations, count, stores, hung = die_by_itself(machine, name, 50)
    evidence("deaths, lost acknowledged writes", f"{sum(stores.values())}, 0")
    evidence("deaths by store", ", ".join(f"{k}: {v}" for k, v in sorted(stores.items())))
    evidence("of them by an endless loop", hung)
    evidence("verified operations, bytes", f"{operations}, {count}")


@pytest.mark.long
def test_dies_1000_times(name, evidence):
    operations, count, stores, hung = die_by_itself(machines.A72_V3, name, 1000)
    assert len(stores) >= 8 and min(stores.values()) >= 20
    evidence("deaths by store", ", ".join(f"{k}: {v}" for k, v in sorted(stores.items())))
    evidence("operations, bytes, by an endless loop", f"{operations}, {count}, {hung}")


@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_crash(machine, name, evidence):
    operations, count, pauses = crash_under_load(machine, name, 50)
    evidence("crashes, lost acknowledged writes", f"{len(pauses)}, 0")
    evidence("verified operations, bytes", f"{operations}, {count}")
    evidence("slowest request around a crash in ms, median and worst",
             f"{pauses[len(pauses) // 2] / 1000:.1f}, {pauses[-1] / 1000:.1f}")


@pytest.mark.long
def test_crash_1000(name, evidence):
    operations, count, pauses = crash_under_load(machines.A72_V3, name, 1000, seed=2)
    evidence("crashes, operations, bytes", f"{len(pauses)}, {operations}, {count}")
