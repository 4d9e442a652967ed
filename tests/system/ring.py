# SPDX-License-Identifier: Apache-2.0
"""Frontends without an operating system (tests/domains/ringload) and the driver domain that dies under them."""

import os
import re

import lives
import run
import tree
from driver import ALWAYS, FIRST, FIRST_OF_ALL, STATIC, BASE, partial
from tree import Domain

WRONG = "RING wrong|RING found|crash:"
TABLE = ('kept{0}: kept@50000000 {{ compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "table{0}"; '
         "xen,shared-mem = <0x0 0x50000000 0x0 0x10000>; }};")
MEMORY = ('medium: medium@50000000 { compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "medium"; '
          "xen,shared-mem = <0x0 0x50000000 0x0 0x400000>; };")


def backend(arguments, disk=True, properties=ALWAYS):
    """The driver domain that dies; without a disk its medium is memory that survives it."""
    image = lives.image("block")
    if not disk:
        return Domain(image, arguments, memory=1024, vpl011=False, properties=f"{FIRST_OF_ALL} {properties}",
                      nodes=MEMORY, name="block")
    place = STATIC.format(tree.cells(BASE), tree.cells(1024 * 1024))
    return Domain(image, arguments, memory=1024, vpl011=False, partial_tree=partial("block"),
                  properties=f"{place} {FIRST_OF_ALL} {properties}", name="block")


def frontend(arguments, number=0, disks=1, first_sector=0, queues=4, sectors=8192, kept=False):
    """One of several frontends, each with ranges of the disk of its own."""
    nodes = ""
    for i in range(disks):
        at = first_sector + i * sectors
        nodes += tree.virtio(FIRST + 0x200 * i, "block", "block",
                             f"bulkhead,queues = <{queues}>; bulkhead,queue-max = <32>; "
                             f"bulkhead,first-sector = <{tree.cells(at)}>; bulkhead,sectors = <{tree.cells(sectors)}>;")
    if kept:
        nodes += TABLE.format(number)
    return Domain(os.path.join(run.O, "domains", "ringload.img"),
                  f"disks={disks} queues={queues} {arguments}",
                  memory=2048, vpl011=False, nodes=nodes, properties=ALWAYS, name=f"load{number}")


def reports(r, domain, disk=0):
    """(answers, overtook, bytes, resets, pause) of each report."""
    pattern = re.compile(rf"RING now disk {disk} answers (\d+) overtook (\d+) bytes (\d+) resets (\d+) pause (\d+)")
    found = [pattern.search(text) for text in r.text_of(domain)]
    return [tuple(int(x) for x in m.groups()) for m in found if m]


def late(r, domain):
    """How many requests were late when it was reported last."""
    found = [re.search(r"RING now .* late (\d+)", text) for text in r.text_of(domain)]
    return [int(m.group(1)) for m in found if m][-1]


def wrong(r):
    return [line.text for line in r.lines if "RING wrong" in line.text or "RING found" in line.text]
