# SPDX-License-Identifier: Apache-2.0
"""Measures Bulkhead, and peers beside it, and holds the figures against the budgets."""

import argparse
import os
import subprocess
import sys
import time

import driver_domains
import driver_linux
import files
import lines
import linux
import report
import suite
import worst
from machine import QEMU, BenchError

HERE = os.path.dirname(os.path.abspath(__file__))
GROUPS = {"paths": suite.paths, "gicv2": suite.paths_gicv2, "mitigated": suite.paths_mitigated, "shared": suite.shared,
          "events": suite.events, "channels": suite.channels, "extensions": suite.extensions,
          "boot": suite.boot}


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, help="the build folder")
    parser.add_argument("--image", help="the hypervisor (default: OUT/bulkhead.img)")
    parser.add_argument("--peer", action="append", default=[], choices=["xen", "bare"],
                        help="measure this too")
    parser.add_argument("--without-bulkhead", action="store_true", help="the peers only")
    parser.add_argument("--only", action="append", choices=[*GROUPS, "linux", "lines", "domains", "ratios", "worst"],
                        help="these groups only")
    parser.add_argument("--samples", type=int, default=10000, help="samples per row (default 10000)")
    return parser.parse_args()


def make_targets(options):
    logs = os.path.join(options.out, "bench", "logs")
    os.makedirs(logs, exist_ok=True)
    guest = os.path.join(options.out, "bench", "guest.img")
    own = options.image or os.path.join(options.out, "bulkhead.img")
    images = [] if options.without_bulkhead else [("bulkhead", own)]
    images += [(peer, files.find("xen") if peer == "xen" else "") for peer in options.peer]
    return [suite.Target(name, image, guest, logs, options.samples) for name, image in images]


def versions(options):
    """The packages that the figures depend on."""
    names = ["linux"] if not options.only or "linux" in options.only else []
    return [files.version(name) for name in names + [peer for peer in options.peer if peer == "xen"]]


def say(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def measure_domains(options, image):
    """The rows of driver domains: (figures, remarks, errors)."""
    folder = os.path.dirname(os.path.abspath(options.image)) if options.image else options.out
    bench = driver_domains.Bench(folder, image, options.samples)
    figures, remarks, errors = {}, [], []
    if not options.only or "domains" in options.only:
        figures, errors = driver_domains.measure(bench, say)
    if not options.only or "ratios" in options.only:
        found, remarks, failed = driver_linux.measure(bench, files.find("linux"), say)
        figures.update(found)
        errors += failed
    return figures, remarks, errors


def main():
    options = parse()
    start = time.monotonic()
    rows = report.load_rows(HERE)
    targets = make_targets(options)
    groups = {name: f for name, f in GROUPS.items() if not options.only or name in options.only}
    figures, errors = {}, []
    for target in targets:
        figures[target.name], failed = suite.measure(target, groups, say)
        errors += failed
    if not options.only or "linux" in options.only:
        found, failed = linux.measure(targets, files.find("linux"), os.path.join(options.out, "bench"), say)
        errors += failed
        for name, figure in found.items():
            figures[name]["linux_boot"] = figure
    own = figures.pop("bulkhead", {})
    if not options.only or "lines" in options.only:
        own.update(lines.measure(os.path.join(os.path.dirname(HERE), "hypervisor")))
    remarks = []
    if not options.without_bulkhead:
        found, notes, failed = measure_domains(options, targets[0].image)
        own.update(found)
        remarks += notes
        errors += failed
    if not options.without_bulkhead and (not options.only or "worst" in options.only):
        found, notes, failed = worst.measure(options.out, say)
        own.update(found)
        remarks += notes
        errors += failed

    print("\n".join(report.table(rows, own, figures)))
    print("* measured once, see bench/README.md; instructions under QEMU's icount, not time on silicon")
    print("\n".join(remarks))
    qemu = subprocess.run([QEMU, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    print("; ".join([qemu.splitlines()[0], *versions(options), f"{time.monotonic() - start:.0f} s"]))
    report.write_json(os.path.join(options.out, "bench.json"), report.as_json(rows, own))
    for peer, measured in figures.items():
        report.write_json(os.path.join(options.out, f"bench-{peer}.json"), report.as_json(rows, measured))
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    if options.without_bulkhead:
        return 1 if errors else 0
    bad = [row["name"] for row in rows if report.verdict(row, own.get(row["name"])).isupper()
           and (not options.only or row["name"] in own)]
    if bad:
        print(f"budgets not held: {', '.join(bad)}", file=sys.stderr)
    return 1 if bad or errors else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"bench: {error}")
