# SPDX-License-Identifier: Apache-2.0
"""Sockets between Linux domains, through a driver domain that only passes packets on."""

import os
import re

import pytest

import driver
import linux
import machine as machines
import run
import tree
from tree import Domain

pytestmark = pytest.mark.line_04_1
MODULES = ("virtio_mmio", "vmw_vsock_virtio_transport")
MIB = 4
PORT = 5000
LEFT, RIGHT = 2, 3  # domains; their context numbers are 3 + domain number
END = r"SOCK sent (\d+) received (\d+) sum (\d+) wrong (\d+) error (\d+)"


def keys(base):
    """The console may crash domains."""
    return base + "\n/ { chosen { bulkhead,console-keys; }; };\n"


def switch(image="vsock", memory=96, properties=driver.ALWAYS):
    return Domain(os.path.join(run.O, "domains", image + ".img"), memory=memory, vpl011=False,
                  properties=f"{driver.FIRST_OF_ALL} {properties}", name="switch")


def system(image="vsock", names=("left", "right"), more=("", ""), properties=driver.ALWAYS):
    ramdisk = linux.device_ramdisk("sockets", "sockets", MODULES)
    linuxes = [Domain(linux.kernel(), f"console=ttyAMA0 quiet host={name}", ramdisk=ramdisk, cpus=2, memory=196608,
                      nodes=tree.virtio(driver.FIRST, "switch", "vsock", text), properties=properties, name=name)
               for name, text in zip(names, more)]
    return [switch(image), *linuxes]


def begin(r, domains=(LEFT, RIGHT)):
    for domain in domains:
        r.rewind()
        driver.ready(r, domain)
    r.rewind(len(r.lines))
    for domain in domains:
        driver.ask(r, domain, f"sockets listen {PORT} &", "SOCK listens")


def both_ways(r, mib):
    """Each connects to the other and sends; all four streams at once."""
    for domain, other in ((LEFT, RIGHT), (RIGHT, LEFT)):
        r.focus(domain)
        r.send(f"sockets connect {3 + other} {PORT} {mib} &\n", pause=0.002)


def ends(r, domain):
    return [tuple(int(n) for n in m.groups()) for m in (re.search(END, t) for t in r.text_of(domain)) if m]


def expect_ends(r, number, mib, limit=120):
    """`number` connections of each domain have ended: all there, each byte once."""
    for domain in (LEFT, RIGHT):
        while len(ends(r, domain)) < number:
            r.expect(END, domain=domain, limit=limit, refuse="Kernel panic")
        for sent, received, _, wrong, error in ends(r, domain):
            assert (sent, received, wrong, error) == (mib * 2**20, mib * 2**20, 0, 0)
    left, right = ({end[2] for end in ends(r, d)} for d in (LEFT, RIGHT))
    assert left == right and len(left) == 1  # the same stream everywhere


def expect_quiet(r):
    for domain in (LEFT, RIGHT):
        driver.ask(r, domain, "complaints", "TEST done")
    assert driver.complaints(r, LEFT, RIGHT) == []


def test_sockets(name, evidence):
    with run.hypervisor(machines.A72_V3, system(), name, limit=300) as r:
        begin(r)
        for domain in (LEFT, RIGHT):
            assert any("TEST virtio 0x0013 status 0x0000000f driver vmw_vsock" in t for t in r.text_of(domain))
        both_ways(r, MIB)
        expect_ends(r, 2, MIB)
        driver.ask(r, LEFT, f"sockets refused {3 + RIGHT} 77", "SOCK connect error 104")  # nobody listens
        driver.ask(r, LEFT, f"sockets refused 99 {PORT}", "SOCK connect error 104")  # nobody has that number
        expect_quiet(r)
    evidence("MiB by sockets, each way, twice at once", MIB)
