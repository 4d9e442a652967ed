# SPDX-License-Identifier: Apache-2.0
"""Privileged lines: code as cloc counts it, headers included, everything that runs at EL2."""

import json
import os
import re
import subprocess

from machine import BenchError
from report import Figure

LANGUAGES = "C,C/C++ Header,Assembly"


def count(folder, leave_out):
    """Lines of code below folder without the sub-folders and files named (relative paths)."""
    files = []
    for root, _, names in os.walk(folder):
        relative = os.path.relpath(root, folder)
        if any(relative == part or relative.startswith(part + os.sep) for part in leave_out):
            continue
        files += [os.path.join(root, name) for name in names if name.endswith((".c", ".h", ".S")) and
                  os.path.join(relative, name) not in leave_out]
    if not files:
        return 0
    # Two files of the same content are both read by an assessor: do not let cloc drop one.
    command = ["cloc", "--json", "--quiet", "--skip-uniqueness", f"--include-lang={LANGUAGES}",
               "--list-file=-"]
    done = subprocess.run(command, input="\n".join(files), capture_output=True, text=True, timeout=120,
                          check=False)
    try:
        return json.loads(done.stdout)["SUM"]["code"]
    except (json.JSONDecodeError, KeyError) as error:
        raise BenchError(f"cloc failed: {done.stderr}") from error


def left_out(hypervisor):
    """Files that the static profile is built without (HV_LEFT_OUT of its build.mk)."""
    with open(os.path.join(hypervisor, "build.mk"), encoding="utf-8") as file:
        found = re.findall(r"^HV_LEFT_OUT [:+]= (.*)$", file.read(), re.MULTILINE)
    if not found:
        raise BenchError("hypervisor/build.mk does not say what the static profile leaves out (HV_LEFT_OUT)")
    return " ".join(found).split()


def measure(hypervisor):
    host = os.path.join("arch", "host")  # for tests on the build machine; never privileged
    static = left_out(hypervisor)
    return {"lines_total": Figure.of([count(hypervisor, [host, *static])]),
            "lines_resident": Figure.of([count(hypervisor, [host, "boot", *static])]),
            "lines_full": Figure.of([count(hypervisor, [host])]),
            "lines_full_resident": Figure.of([count(hypervisor, [host, "boot"])])}
