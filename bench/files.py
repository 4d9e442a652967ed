# SPDX-License-Identifier: Apache-2.0
"""Where the guests and peers of the benchmark lie: what `tools/bulkhead fetch` unpacked, or what the environment names."""

import glob
import os

from machine import BenchError

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "bulkhead")


def _find(variable, pattern, what):
    if os.environ.get(variable):
        return os.environ[variable]
    found = sorted(p for p in glob.glob(os.path.join(CACHE, "**", "boot", pattern), recursive=True) if os.path.isfile(p))
    if not found:
        raise BenchError(f"no {what} below {CACHE}: run tools/bulkhead fetch, or name it in {variable}")
    return found[-1]


def find_xen():
    return _find("BENCH_XEN", "xen-4.17-arm64", "Xen 4.17 for arm64")


def find_linux():
    return _find("BENCH_LINUX", "vmlinuz-6.1*-arm64", "Linux 6.1 for arm64")
