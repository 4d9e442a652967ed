# SPDX-License-Identifier: Apache-2.0
"""Where things are: the source tree, the output folder and the cache."""
import os
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]


def output():
    """The build folder: O in the environment (the Makefile exports it), else build/ of the source tree."""
    return Path(os.environ.get("O") or SOURCE / "build").absolute()


def cache():
    """What was downloaded and survives `make clean`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "bulkhead"
