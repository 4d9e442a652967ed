#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Removes each barrier, TLB, cache and translation instruction in turn and shows which unit test fails.

Usage: remove_barriers.py SRC OUT [file or file:line ...]

What no test can see is listed in barriers.txt with its reason: a line is "file: function: instruction: reason";
where a function has the same instruction several times, it is numbered ("isb() 2"). An instruction that is neither
seen nor listed fails the run, and so does a listed one that a test sees.
"""
import os
import re
import shutil
import subprocess
import sys

FOLDERS = ["arch/arm64", "core", "guest/arm64", "guest/xen", "virq", "drivers", "boot", "entry/arm64"]
CALL = re.compile(r"^\s*((?:isb|dsb|dmb|tlbi_\w+|dc_\w+|ic_\w+|at_s\w+)\([^;]*\));")
ASSEMBLY = re.compile(r"^(?:\d+:)?\s*((?:isb|dsb|dmb|tlbi|dc|ic)\b[^/;]*)")
FUNCTION = re.compile(r"^[A-Za-z_].*?\b((?!__attribute__)\w+)\([^;]*$")
LABEL = re.compile(r"^(?:\s*\.macro\s+)?([A-Za-z_]\w*)(?::|\s*$)")


def find(src):
    """(path, line number, function, instruction) of every instruction, in order."""
    found = []
    for folder in FOLDERS:
        base = os.path.join(src, "hypervisor", folder)
        for name in sorted(os.listdir(base)):
            if not name.endswith((".c", ".h", ".S")) or name in ("ops.h", "sysreg.h"):
                continue
            assembly = name.endswith(".S") or name == "vectors.h"
            function = "?"
            for number, line in enumerate(open(os.path.join(base, name), encoding="utf-8"), 1):
                header = (LABEL if assembly else FUNCTION).match(line) if line[:1] != " " or ".macro" in line else None
                if header:
                    function = header.group(1)
                call = (ASSEMBLY if assembly else CALL).match(line)
                if call:
                    text = " ".join(call.group(1).split())
                    found.append((os.path.join(folder, name), number, function, text))
    return found


def keys(places):
    """(path, function, instruction), with a number where a function has the same one several times."""
    counts, result = {}, []
    for where, _, function, text in places:
        counts[(where, function, text)] = counts.get((where, function, text), 0) + 1
        result.append((where, function, text, counts[(where, function, text)]))
    return [(w, f, t if counts[(w, f, t)] == 1 else "%s %d" % (t, n)) for w, f, t, n in result]


def read_reasons(path):
    reasons = {}
    for line in open(path, encoding="utf-8"):
        if line.strip() and not line.startswith("#"):
            where, function, text, reason = [part.strip() for part in line.split(": ", 3)]
            reasons[(where, function, text)] = reason
    return reasons


class Tree:
    """A copy of the sources that is built without sanitizers, one object at a time."""

    def __init__(self, src, out):
        self.src, self.out = src, out
        shutil.rmtree(out, ignore_errors=True)
        for part in ("hypervisor", "tests/extensions", "tests/unit/arch", "tests/unit/core", "tests/unit/guest"):
            shutil.copytree(os.path.join(src, part), os.path.join(out, part))
        self.flags = ["-std=gnu17", "-O1", "-w", "-fno-pie", "-I" + os.path.join(out, "hypervisor"),
                      "-I" + os.path.join(out, "tests/unit/arch"), "-I" + os.path.join(src, "include")]
        self.objects, self.uses, self.tests = {}, {}, []
        folders = ["hypervisor/core", "hypervisor/guest/arm64", "hypervisor/guest/xen", "hypervisor/virq",
                   "hypervisor/arch/arm64", "hypervisor/arch/host"]
        for folder in folders:
            for name in sorted(os.listdir(os.path.join(out, folder))):
                if name.endswith(".c"):
                    self.compile(os.path.join(folder, name))
        self.compile("hypervisor/drivers/smmu_v3.c")
        self.compile("tests/unit/arch/machine.c")
        for folder in ("arch", "core", "guest"):
            for name in sorted(os.listdir(os.path.join(out, "tests/unit", folder))):
                if name.startswith("test_") and name.endswith(".c"):
                    self.tests.append(self.compile(os.path.join("tests/unit", folder, name)))
                    del self.objects[os.path.join("tests/unit", folder, name)]

    def compile(self, path):
        target = os.path.join(self.out, path[:-2].replace("/", "_") + ".o")
        subprocess.run(["clang-19"] + self.flags + ["-MMD", "-c", os.path.join(self.out, path), "-o", target],
                       check=True)
        self.objects[path] = target
        text = open(target[:-2] + ".d", encoding="utf-8").read()
        self.uses[path] = set(os.path.relpath(p, self.out) for p in text.replace("\\\n", " ").split()[1:]
                              if p.startswith(self.out))
        return path

    def rebuild(self, changed):
        for path in list(self.objects) + self.tests:
            if changed in self.uses[path]:
                self.compile(path)
        for path in self.tests:
            self.objects.pop(path, None)

    def run(self, stop_at_first=True):
        """Names of failing tests: all programs, or up to the first that fails."""
        failed = []
        for path in self.tests:
            target = os.path.join(self.out, path[:-2].replace("/", "_"))
            program = target + ".test"
            subprocess.run(["clang-19", "-no-pie", "-o", program, target + ".o"] + list(self.objects.values())
                           + ["-lcmocka"], check=True)
            try:
                result = subprocess.run([program], capture_output=True, text=True, timeout=120)
                text, status = result.stdout + result.stderr, result.returncode
            except subprocess.TimeoutExpired as late:
                text, status = (late.stdout or b"").decode() + "\n", 1
            if status != 0:
                names = re.findall(r"\[  FAILED  \] (\w+)", text) or re.findall(r"\[ RUN      \] (\w+)", text)[-1:]
                failed.append(os.path.basename(path)[5:-2] + "/" + (names[0] if names else "?"))
                if stop_at_first:
                    break
        return failed


def main():
    src, out = sys.argv[1], os.path.abspath(sys.argv[2])
    only = sys.argv[3:]
    reasons = read_reasons(os.path.join(src, "tests/proof/barriers.txt"))
    places = find(src)
    tree = Tree(src, out)
    failed = tree.run(stop_at_first=False)
    if failed:
        print("the tests fail before anything is removed: " + ", ".join(failed))
        return 1
    seen = listed = bad = 0
    used = set()
    order = {}
    for (where, number, function, text), key in zip(places, keys(places)):
        place = "%s:%d" % (where, number)
        if only and not any(place.startswith(o) for o in only):
            continue
        path = os.path.join("hypervisor", where)
        compiled = any(path in uses for uses in tree.uses.values())
        victims = []
        if compiled:
            full = os.path.join(out, path)
            original = open(full, encoding="utf-8").read()
            lines = original.split("\n")
            lines[number - 1] = lines[number - 1].replace(text, "(void)0", 1)
            open(full, "w", encoding="utf-8").write("\n".join(lines))
            tree.rebuild(path)
            # the program that saw something in this file the last time comes first
            tree.tests.sort(key=lambda t: t != order.get(path))
            victims = tree.run()
            open(full, "w", encoding="utf-8").write(original)
            tree.rebuild(path)
        if victims:
            order[path] = next(t for t in tree.tests if os.path.basename(t)[5:-2] == victims[0].split("/")[0])
            seen += 1
            print("%-28s %-26s %-24s seen by %s" % (place, function, text, victims[0]), flush=True)
            continue
        used.add(key)
        if key in reasons:
            listed += 1
            print("%-28s %-26s %-24s listed: %s" % (place, function, text, reasons[key]), flush=True)
        else:
            bad += 1
            print("%-28s %-26s %-24s NOT SEEN, no reason listed" % (place, function, text), flush=True)
    for key in sorted(set(reasons) - used) if not only else []:
        bad += 1
        print("barriers.txt: %s is seen by a test, or is not there" % (": ".join(key),))
    print("barriers: %d removed and seen, %d listed with a reason, %d wrong" % (seen, listed, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
