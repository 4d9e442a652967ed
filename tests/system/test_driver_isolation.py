# SPDX-License-Identifier: Apache-2.0
"""Killing one driver domain again and again does not disturb another: neither what a request costs nor how long the
longest one takes changes by more than 1 %. Counted in instructions, by a plugin of the emulator, on the pCPU of the one
that is watched; everything that executes there while a request is at work counts, whoever it is.

Watched and killed share a pCPU, or have one each; their frontends are with them. Under icount one pCPU executes at a
time, so that who waits for another pCPU would be charged with the emulator's turns: hence both ends on one. On a shared
pCPU the watched pair has the higher priority, which is how a system says whom others shall not disturb: a restart
runs in the time and at the priority of the domain that is restarted. There the watched also get a little cheaper
with each death, because one that is being restarted has no registers that must be saved for them: with a death in
each millisecond more than 1 % for the net, hence the longer lives."""

import dataclasses
import importlib.util
import os
import sys

import pytest

import driver
import machine as machines
import run
import tree
from tree import Domain

pytestmark = pytest.mark.line_04_3
SRC = os.environ.get("SRC") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT = 0.01
DEPTH = 32                          # requests at once
WINDOW = 8                          # frames
MEMORY = {"block": 512, "net": 192}  # KiB; half of the first is its disk
LIFE_US = {"block": 4000, "net": 1000}  # of the one that is killed


def _load_counts():
    path = os.path.join(SRC, "bench", "counts.py")
    spec = importlib.util.spec_from_file_location("bench_counts", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


counts = _load_counts()


def _on(pcpu):
    return f'vcpu0 {{ compatible = "xen,vcpu"; id = <0>; hard-affinity = "{pcpu}"; }};'


def _priority(value):
    return f"bulkhead,priority = <{value}>;"


class System:
    """A block and a net driver domain with their frontends; one of the two is watched, the other may be killed."""

    def __init__(self, watched, pcpus, priorities=(220, 200)):
        self.watched = watched
        self.killed = "net" if watched == "block" else "block"
        self.pcpu = {"block": 0, "net": pcpus - 1}
        self.pcpus = pcpus
        self.priority = {watched: priorities[0], self.killed: priorities[1]}
        self.load = 3 if watched == "block" else 4  # the domain whose requests are watched

    def _backend(self, kind, life):
        return Domain(os.path.join(run.O, "domains", kind + "-mortal.img"), memory=MEMORY[kind], vpl011=False,
                      bootargs=f"die-us={life}" if kind == self.killed else "", name=kind,
                      properties=driver.ALWAYS + _priority(self.priority[kind]), nodes=_on(self.pcpu[kind]))

    def _frontend(self, kind, image, arguments, name):
        return Domain(os.path.join(run.O, "domains", image + ".img"), arguments, memory=4096, name=name,
                      properties=_priority(self.priority[kind]),
                      nodes=tree.virtio(driver.FIRST, kind, kind) + _on(self.pcpu[kind]))

    def _domains(self, requests, life):
        disk = f"depth={DEPTH} random=1 pause-us=300 "
        disk += f"count={requests} warm={2 * DEPTH}" if self.watched == "block" else "count=0"
        wire = f"to=5 window={WINDOW} wait-ms=1 pause-us=300 "
        wire += f"count={requests * WINDOW} warm={2 * WINDOW}" if self.watched == "net" else "endless=1"
        return [self._backend("block", life), self._backend("net", life),
                self._frontend("block", "blockload", disk, "disk"),
                self._frontend("net", "netload", wire, "sender"), self._frontend("net", "netload", "", "receiver")]

    def measure(self, name, requests, life=0):
        """Returns (instructions for each request, of the longest one, kills)."""
        path = os.path.join(run.O, "tests", f"isolation-{self.watched}-{self.pcpus}-{life}.counts")
        plugin = counts.arguments(os.path.join(run.O, "tests", "count.so"), path, late=1)
        machine = dataclasses.replace(machines.A53_V2, cpu="cortex-a53,cntfrq=1000000000", gic=3, smp=self.pcpus,
                                      icount="shift=0,sleep=off", options=tuple(plugin))
        with run.hypervisor(machine, self._domains(requests, life), name, limit=200 + requests // 4) as r:
            _, done = r.expect(r"LOAD done .* (?:failed|wrong)=(\d+)", domain=self.load, refuse="crash:")
            assert done.group(1) == "0"
            r.expect("GUEST DONE", domain=self.load)
        seen = counts.read(path)
        events, begin, end = seen.load(self.load)
        taken, together = counts.requests(events, self.pcpu[self.watched])
        kills = sum(event.kind == "crash" for event in seen.events[begin:end])
        return together / len(taken), max(taken), kills


def check(watched, pcpus, name, evidence, requests, kills):
    system = System(watched, pcpus)
    cost, longest, none = system.measure(name + "-calm", requests)
    cost_killed, longest_killed, killed = system.measure(name, requests, LIFE_US[system.killed])
    unit = "4 KiB" if watched == "block" else f"{WINDOW} frames and an answer"
    evidence(f"kills of {system.killed}", killed)
    evidence(f"instructions for {unit}", f"{cost:.1f}, {cost_killed:.1f} ({cost_killed / cost * 100 - 100:+.2f} %)")
    evidence("of the longest", f"{longest}, {longest_killed} ({longest_killed / longest * 100 - 100:+.2f} %)")
    assert none == 0 and killed >= kills
    assert abs(cost_killed - cost) <= cost * LIMIT and abs(longest_killed - longest) <= longest * LIMIT


@pytest.mark.parametrize("watched", ["block", "net"])
@pytest.mark.parametrize("pcpus", [1, 2])
def test_killed(watched, pcpus, name, evidence):
    check(watched, pcpus, name, evidence, DEPTH * 35 if watched == "block" else 190, 10)


def test_control(name, evidence):
    """At equal priorities they take turns, restarts included: what is counted shows a disturbance."""
    system = System("block", 1, (200, 200))
    _, longest, _ = system.measure(name + "-calm", DEPTH * 12)
    _, longest_killed, kills = system.measure(name, DEPTH * 12, LIFE_US[system.killed])
    evidence("of the longest at equal priorities", f"{longest}, {longest_killed} with {kills} kills")
    assert kills > 0 and longest_killed > longest * (1 + LIMIT)


@pytest.mark.long
@pytest.mark.parametrize("watched", ["block", "net"])
@pytest.mark.parametrize("pcpus", [1, 2])
def test_killed_100_times(watched, pcpus, name, evidence):
    check(watched, pcpus, name, evidence, DEPTH * 360 if watched == "block" else 1900, 100)
