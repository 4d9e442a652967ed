# SPDX-License-Identifier: Apache-2.0
"""The longest exit that was seen: runs the benchmark's guest, the guest tests, the storms of the isolation tests and
two Linux domains under a plugin of the emulator (tests/plugin/worst_exit.c) that counts what each pCPU executes with
interrupts masked."""

import argparse
import bisect
import collections
import dataclasses
import os
import re
import sys
import time

import suite
import worst_exit
from flow import FlowError
from machine import BenchError

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
ICOUNT = {"icount": "shift=0,sleep=off"}
CLASSES = {"00": "unknown", "01": "WFI", "07": "floating point", "16": "HVC", "17": "SMC", "18": "system register",
           "20": "instruction abort", "24": "data abort"}
HYPERCALLS = {12: "memory_op", 17: "xen_version", 18: "console_io", 20: "grant_table_op", 24: "vcpu_op",
              29: "sched_op", 32: "event_channel_op", 34: "hvm_op"}


class Seen:
    """What the plugin wrote in one run."""

    def __init__(self, path):
        self.most, self.kind, self.waited = 0, "none", 0
        self.kinds, self.counts = {}, {}
        with open(path, encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words[0] == "max":
                    self.most, self.kind = int(words[1]), words[3]
                elif words[0] == "waited":
                    self.waited = int(words[1])
                elif words[0] == "kind":
                    self.kinds[words[1]] = int(words[3])
                else:
                    self.counts[int(words[1], 16)] = int(words[2])


def describe(kind):
    """A kind of the plugin in words."""
    match = re.fullmatch(r"sync-([0-9a-f]{2})(?:-(\d+))?", kind)
    if match:
        call = HYPERCALLS.get(int(match[2]), f"hypercall {match[2]}") if match[2] else None
        return call or CLASSES.get(match[1], f"exception class {match[1]}")
    return {"after": "after an interrupt was taken", "fresh": "after a look for interrupts",
            "irq": "interrupt"}.get(kind, kind)


class Runner:
    """Starts machines with the plugin and collects what it wrote."""

    def __init__(self, out, analysis):
        self.out, self.results, self.errors = out, {}, []
        self.folder = os.path.join(out, "bench", "worst")
        self.plugin = os.path.join(out, "tests", "worst_exit.so")
        self.places = [f"ack={address:x}" for address in sorted(analysis.acknowledgements())]
        self.places += [f"fresh={test:x}-{none:x}" for test, none in sorted(analysis.tests())]
        os.makedirs(self.folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, f"{name}.seen")

    def options(self, name):
        if os.path.exists(self.path(name)):
            os.remove(self.path(name))
        return ["-plugin", ",".join([self.plugin, f"out={self.path(name)}", *self.places])]

    def take(self, name):
        try:
            self.results[name] = Seen(self.path(name))
        except OSError:
            self.errors.append(f"{name}: the plugin wrote nothing")

    def bench(self, image, guest):
        """The runs of the benchmark's guest."""
        names = []

        def options(name):
            names.append(name)
            return self.options(f"bench-{name}")
        target = suite.Target("bulkhead", image, guest, self.folder, 2000, options)
        for function in (lambda t: suite.paths(t, phases=(0,)), suite.paths_gicv2, suite.paths_mitigated, suite.shared,
                         suite.events):
            try:
                function(target)
            except BenchError as error:
                self.errors.append(str(error))
        for name in names:
            self.take(f"bench-{name}")

    def system(self, wanted):
        """The guest tests and the storms; with what the system tests themselves use."""
        os.environ.setdefault("O", self.out)
        sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
        # Both folders have modules of these names: those of the benchmark are put aside meanwhile.
        own = {name: sys.modules.pop(name, None) for name in ("machine", "linux", "run")}
        try:
            import linux
            import machine as machines
            import run
            import suites
            import tree
        finally:
            sys.modules.update({name: module for name, module in own.items() if module is not None})
        guest = os.path.join(self.out, "tests", "guest.img")

        def attempt(name, machine, domains, watch, limit=600):
            if wanted and not re.search(wanted, name):
                return
            machine = dataclasses.replace(machine, options=tuple(self.options(name)), **ICOUNT)
            print(f"  {name}", file=sys.stderr, flush=True)
            try:
                with run.hypervisor(machine, domains, f"worst-{name}", limit=limit) as r:
                    watch(r)
            except AssertionError as error:
                self.errors.append(f"{name}: {error}")
            self.take(name)

        def cpu(name):
            return f"{name},cntfrq=1000000000"
        boards = {"v3": machines.Machine(cpu=cpu("cortex-a72"), gic=3),
                  "v2": machines.Machine(cpu=cpu("cortex-a53"), gic=2)}
        for board, machine in boards.items():
            for name, tests in suites.ALL.items():
                attempt(f"guest-{name}-{board}", machine, [tree.Domain(guest, suites.arguments(tests), cpus=4)],
                        lambda r: run.finish(r, (1,)))
            for shared in (False, True):
                attempt(f"storm-{'shared' if shared else 'own'}-{board}", dataclasses.replace(machine, smp=2),
                        storm(tree.Domain, guest, shared),
                        lambda r: r.expect(r"FIG neighbour.rounds \d+", domain=1, refuse="FAIL"))
        # Two Linux domains of two vCPUs each on two pCPUs.
        domain = tree.Domain(linux.kernel(), "console=ttyAMA0 quiet", memory=262144, cpus=2, ramdisk=linux.ramdisk(),
                             nodes=on(0, 1))
        attempt("two-linux", machines.Machine(cpu=cpu("cortex-a72"), gic=3, smp=2, mem=2048), [domain, domain],
                lambda r: [r.expect("TEST ready", domain=1), r.rewind(), r.expect("TEST ready", domain=2)], limit=900)


def on(*places):
    """Affinities of vCPU 0 and so on."""
    return "".join(f'vcpu{v} {{ compatible = "xen,vcpu"; id = <{v}>; hard-affinity = "{p}"; }};'
                   for v, p in enumerate(places))


def storm(domain, guest, shared):
    """tests/system/test_isolation.py: a victim with a timer, an attacker that does its worst."""
    places = (0, 1) if shared else (1,)
    return [domain(guest, f"test=neighbour rounds=300 sleep={int(shared)} end=wait", memory=2048, nodes=on(0),
                   properties="bulkhead,priority = <200>;"),
            domain(guest, "test=storm times=60 end=reset", memory=2048, cpus=len(places), nodes=on(*places),
                   properties="bulkhead,restart = <0xffffffff>;")]


def functions(code, counts):
    """[(source function, instructions)] of a segment, most first, inlined ones where they are written."""
    addresses = sorted(counts)
    total = collections.Counter()
    for address, frames in zip(addresses, code.frames(addresses)):
        name = frames[0].function if frames and frames[0].line else code.name(address)
        total[name] += counts[address]
    return total.most_common()


def path_of(code, counts):
    """The symbols of a segment in the order of their addresses' weight: where it was."""
    starts = sorted(code.names)
    total = collections.Counter()
    for address, count in counts.items():
        total[code.names[starts[bisect.bisect_right(starts, address) - 1]]] += count
    return total.most_common()


def measure(out, image=None, wanted=None):
    """(runner, analysis) after all runs."""
    notes = worst_exit.Annotations(os.path.join(HERE, "loop_bounds.toml"))
    analysis = worst_exit.Analysis(os.path.join(out, "bulkhead.elf"), notes)
    analysis.segments()
    runner = Runner(out, analysis)
    if not wanted or re.search(wanted, "bench"):
        runner.bench(image or os.path.join(out, "bulkhead.img"), os.path.join(out, "bench", "guest.img"))
    runner.system(wanted)
    return runner, analysis


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, help="the build folder")
    parser.add_argument("--only", metavar="PATTERN", help="runs whose name matches")
    parser.add_argument("--count", type=int, default=5, help="runs to show in detail (default 5)")
    options = parser.parse_args()
    began = time.monotonic()
    runner, analysis = measure(options.out, wanted=options.only)
    results = sorted(runner.results.items(), key=lambda pair: -pair[1].most)
    for name, seen in results:
        print(f"{seen.most:>10,}  {name}: {describe(seen.kind)}")
    kinds = collections.Counter()
    for _, seen in results:
        for kind, most in seen.kinds.items():
            kinds[kind] = max(kinds[kind], most)
    print("\nThe longest of each kind:")
    for kind, most in kinds.most_common():
        print(f"{most:>10,}  {describe(kind)}")
    for name, seen in results[:options.count]:
        print(f"\n{seen.most:,} in {name}, {describe(seen.kind)}: " +
              ", ".join(f"{n} {c:,}" for n, c in path_of(analysis.code, seen.counts)[:8]))
        for function, count in functions(analysis.code, seen.counts)[:12]:
            print(f"{count:>10,}  {function}")
    for error in runner.errors:
        print(f"error: {error}", file=sys.stderr)
    print(f"\n{len(results)} runs, {time.monotonic() - began:.0f} s")
    return 1 if runner.errors else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (FlowError, BenchError) as error:
        sys.exit(f"worst_seen: {error}")
