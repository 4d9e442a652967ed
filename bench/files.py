# SPDX-License-Identifier: Apache-2.0
"""Where guests and peers lie: in the cache of `tools/bulkhead fetch`, or where the environment says."""

import os
import subprocess

from machine import BenchError

TOOL = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools", "bulkhead")


def find(name):
    """The path of "linux" or "xen", fetched if it is not there; BENCH_LINUX and BENCH_XEN overrule."""
    named = os.environ.get(f"BENCH_{name.upper()}")
    if named:
        return named
    if subprocess.run([TOOL, "fetch", name], timeout=1800, check=False).returncode:
        raise BenchError(f"{name} could not be fetched; BENCH_{name.upper()} may name a file instead")
    return subprocess.run([TOOL, "fetch", "--path", name], timeout=60, check=True, capture_output=True,
                          text=True).stdout.strip()


def version(name):
    """The package a fetched file came from."""
    path = find(name)
    try:
        with open(f"{path}.version", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return path
