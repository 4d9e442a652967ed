# SPDX-License-Identifier: Apache-2.0
"""Privileged lines: code as cloc counts it, headers included, everything that runs at EL2."""

import json
import os
import subprocess

from machine import BenchError
from report import Figure

LANGUAGES = "C,C/C++ Header,Assembly"


def count(folder, leave_out):
    """Lines of code below folder without the sub-folders named (relative paths)."""
    files = []
    for root, _, names in os.walk(folder):
        relative = os.path.relpath(root, folder)
        if any(relative == part or relative.startswith(part + os.sep) for part in leave_out):
            continue
        files += [os.path.join(root, name) for name in names if name.endswith((".c", ".h", ".S"))]
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


def measure(hypervisor):
    host = os.path.join("arch", "host")  # for tests on the build machine; never privileged
    return {"lines_total": Figure.of([count(hypervisor, [host])]),
            "lines_resident": Figure.of([count(hypervisor, [host, "boot"])])}
