#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Line and branch coverage of the hypervisor's C files by the unit tests. Usage: coverage_table.py SRC COVERAGE"""
import json
import os
import subprocess
import sys


def instrumented(path):
    """A test program that was built for coverage."""
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF" and b"__llvm_covmap" in file.read()


def main():
    src, out = sys.argv[1], sys.argv[2]
    unit = os.path.join(out, "unit")
    programs = [os.path.join(unit, name) for name in sorted(os.listdir(unit))
                if os.access(os.path.join(unit, name), os.X_OK)
                and os.path.isfile(os.path.join(unit, name))]
    programs = [program for program in programs if instrumented(program)]
    lines, branches = {}, {}
    # One program at a time: a line counts that any of them executes. The export has merged what is inlined.
    for program in programs:
        command = ["llvm-cov-19", "export", "-instr-profile=" + os.path.join(out, "all.profdata"), program]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            continue
        for file in json.loads(result.stdout)["data"][0]["files"]:
            name = os.path.relpath(file["filename"], os.path.join(src, "hypervisor"))
            if name.startswith("..") or name.startswith("arch/host"):
                continue
            covered = lines.setdefault(name, {})
            current, count = None, 0
            for line, column, value, has_count, *rest in file["segments"]:
                if current is not None:
                    for n in range(current, line + (1 if column > 1 else 0)):
                        if n not in (line,) or column > 1:
                            covered[n] = max(covered.get(n, 0), count)
                current, count = (line, value) if has_count else (None, 0)
            for start, column, end, _, true, false, *_ in file["branches"]:
                taken = branches.setdefault(name, {}).setdefault((start, column, end), [0, 0])
                taken[0] = max(taken[0], true)
                taken[1] = max(taken[1], false)
    print("%-32s %7s %7s %9s %9s" % ("file", "lines", "%", "branches", "%"))
    total = [0, 0, 0, 0]
    for name in sorted(lines):
        hit, all_lines = sum(1 for v in lines[name].values() if v), len(lines[name])
        sides = [side for pair in branches.get(name, {}).values() for side in pair]
        taken = sum(1 for side in sides if side)
        for i, value in enumerate((hit, all_lines, taken, len(sides))):
            total[i] += value
        print("%-32s %7d %6.1f%% %9d %8s" % (name, all_lines, 100.0 * hit / max(1, all_lines), len(sides),
                                            "%.1f%%" % (100.0 * taken / len(sides)) if sides else "-"))
    print("%-32s %7d %6.1f%% %9d %7.1f%%" % ("total", total[1], 100.0 * total[0] / max(1, total[1]), total[3],
                                            100.0 * total[2] / max(1, total[3])))


if __name__ == "__main__":
    main()
