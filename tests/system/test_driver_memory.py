# SPDX-License-Identifier: Apache-2.0
"""Driver domains with no more RAM than their budget, and the sizes of their images."""

import os
import re

import pytest

import driver
import machine as machines
import run
from tree import Domain

pytestmark = pytest.mark.line_04_5
# name: image, RAM in KiB
BUDGETS = {"block": (32, 96), "console": (32, 96), "entropy": (32, 96), "gpio": (32, 96), "net": (48, 192),
           "vsock": (32, 96)}


def image(name):
    return os.path.join(run.O, "domains", name + ".img")


def test_images(evidence):
    for name, (kib, _) in BUDGETS.items():
        size = os.path.getsize(image(name))
        assert size <= kib * 1024, f"{name}: {size} bytes"
        evidence(f"bytes of the image of {name}", size)


@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_memory(machine, name, evidence):
    """One Linux and a driver domain of each class, with the RAM of its budget and not a page more."""
    disk = driver.disk_image(name, 64)
    domains = [driver.backend(kind, i, memory=BUDGETS[kind][1]) for i, kind in enumerate(("block", "net"))]
    domains += [Domain(image(kind), memory=BUDGETS[kind][1], vpl011=kind == "console", name=kind)
                for kind in ("console", "entropy")]
    domains.append(driver.frontend([(kind, kind, "") for kind in ("block", "net", "console", "entropy")]))
    with run.hypervisor(driver.with_devices(disk, machine), domains, name, limit=400) as r:
        driver.ready(r, 5, 300)
        driver.ask(r, 5, "files 4", "TEST files 1 of 4 MiB, 1 read back", 100)
        r.expect("TEST done", domain=5, limit=30)
        driver.ask(r, 5, "ifconfig eth0 10.0.2.15 up; ping -c 3 10.0.2.2", r"[1-3] packets received", 60)
        r.expect("TEST done", domain=5, limit=30)
        driver.ask(r, 5, "echo a line > /dev/hvc0", "TEST done", 60)
        r.rewind()
        r.expect("linux: a line", domain=3, limit=30)
        for i, kind in enumerate(("block", "net", "console", "entropy")):
            r.rewind()
            left = int(r.expect(r"ready, (\d+) KiB of memory left", domain=i + 1)[1].group(1))
            evidence(f"KiB used by {kind} on {machine.name}, of {BUDGETS[kind][1]}", BUDGETS[kind][1] - left)
        assert not any(re.search("crash", line.text) for line in r.lines)
