# SPDX-License-Identifier: Apache-2.0
"""What Linux pays for a driver domain: instructions of all pCPUs for the same work through a driver domain that has the
device, over those with the device passed through to Linux itself. Debian's kernel, unmodified."""

import os
import sys
from pathlib import Path

import counts
import driver_domains as own
from machine import BenchError, Domain
from report import Figure

HERE = os.path.dirname(os.path.abspath(__file__))
MEMORY = 262144  # KiB
RAM = 0x70000000  # of the Linux that has the device
MODULES = ["virtio_mmio", "virtio_blk", "virtio_net"]


def _ramdisk(bench):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tools"))
    from command import initramfs
    path = os.path.join(bench.work, "load.cpio.gz")
    data = initramfs.build(Path(HERE, "linux", "load-init"),
                           (("bench/load", Path(bench.out, "bench", "load")),), MODULES)
    with open(path, "wb") as file:
        file.write(data)
    return path


def _linux(bench, kernel, ramdisk, what, **more):
    return Domain(kernel, f"console=ttyAMA0 quiet load={what}", memory=MEMORY, ramdisk=ramdisk, **more)


def _spent(bench, name, domains, smp, extra):
    seen, _ = bench.run(name, domains, smp, extra, late=2)
    begin, end = seen.first("begin"), seen.first("end")
    if begin is None or end is None:
        raise BenchError(f"{name}: no load was seen")
    return counts.total(seen.events[begin], seen.events[end])


def ratio(bench, kernel, ramdisk, kind, what, extra):
    """Over the device passed through: as quotient, and what both took."""
    place = f"direct-map; xen,static-mem = <0 {RAM:#x} 0 {MEMORY * 1024:#x}>;"
    direct = _linux(bench, kernel, ramdisk, what, partial=bench.devices(kind), properties=place)
    alone = _spent(bench, f"linux-{kind}-direct", [direct], 1, extra)
    served = _linux(bench, kernel, ramdisk, what, children=own.served(kind, 1) + own.on(1))
    through = _spent(bench, f"linux-{kind}", [bench.owner(kind, bench.path(kind), own.KIB[kind]), served], 2, extra)
    return through / alone, alone, through


def measure(bench, kernel, say):
    """(figures, remarks to print, errors)."""
    figures, remarks, errors = {}, [], []
    ramdisk = _ramdisk(bench)
    for name, kind, what, extra in (("blk_cost_ratio", "block", "read", own.DISK),
                                    ("net_cost_ratio", "net", "send", own.NETWORK)):
        say(f"bulkhead: Linux, {what}")
        try:
            quotient, alone, through = ratio(bench, kernel, ramdisk, kind, what, extra)
            figures[name] = Figure.of([quotient])
            remarks.append(f"{name}: {through:,} over {alone:,} instructions")
        except (BenchError, OSError) as error:
            errors.append(f"{name}: {error}")
    return figures, remarks, errors
