# SPDX-License-Identifier: Apache-2.0
"""Sockets between Linux domains, through a driver domain that only passes packets on."""

import collections
import os
import re
import time

import pytest

import driver
import linux
import machine as machines
import run
import test_channels
import tree
from tree import Domain

pytestmark = pytest.mark.line_04_1
MODULES = ("virtio_mmio", "vmw_vsock_virtio_transport")
PORT = 5000
LEFT, RIGHT = 2, 3  # domains; their context numbers are 3 + domain number
END = r"SOCK sent (\d+) received (\d+) sum (\d+) wrong (\d+) error (\d+)"


def keys(base):
    """The console may crash domains."""
    return base + "\n/ { chosen { bulkhead,console-keys; }; };\n"


def switch(image="vsock", arguments="", memory=96, properties=driver.ALWAYS):
    return Domain(os.path.join(run.O, "domains", image + ".img"), arguments, memory=memory, vpl011=False,
                  properties=f"{driver.FIRST_OF_ALL} {properties}", name="switch")


def system(image="vsock", arguments="", names=("left", "right"), more=("", ""), properties=driver.ALWAYS,
           buffers="all"):
    """The switch and the Linux domains: Debian's, or the confined kernel."""
    kernel, modules = (linux.kernel(), MODULES) if buffers == "all" else (linux.confined(), ())
    ramdisk = linux.device_ramdisk(f"sockets-{buffers}", "sockets", modules)
    mode = f'bulkhead,buffers = "{buffers}"; '
    linuxes = [Domain(kernel, f"console=ttyAMA0 quiet host={name}", ramdisk=ramdisk, cpus=2, memory=196608,
                      nodes=tree.virtio(driver.FIRST, "switch", "vsock", mode + text), properties=properties, name=name)
               for name, text in zip(names, more)]
    return [switch(image, arguments), *linuxes]


def begin(r, domains=(LEFT, RIGHT)):
    for domain in domains:
        r.rewind()
        driver.ready(r, domain)
    r.rewind(len(r.lines))
    for domain in domains:
        driver.ask(r, domain, f"sockets listen {PORT} &", "SOCK listens")


def kill(r, number):
    """Crash that domain; the input is the hypervisor's."""
    r.send(f"c{number}")
    r.expect(rf"DOM{number}.*crash", domain=None, limit=30)


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


def test_example(name, tmp_path):
    folder = str(tmp_path / "set")
    with test_channels.start(os.path.join(linux.SOURCE, "examples", "vsock"), folder, name, 300) as r:
        r.expect("left: the other Linux says: hello, right", domain=LEFT)
        r.expect("left: 4 MiB there and back", domain=LEFT)
        r.rewind()
        r.expect("talk: a connection from CID 10", domain=RIGHT)


def ended(r):
    return len(ends(r, LEFT)) + len(ends(r, RIGHT))


def expect_told(r):
    """Both streams of the left Linux end, each with an error: ECONNRESET or EPIPE."""
    for which, do in (("ran", ""), ("slept", "kill -CONT $a\n")):
        r.send(do, pause=0.002)
        _, m = r.expect(END, domain=LEFT, limit=120)
        assert int(m.group(5)) in (104, 32), f"the stream that {which}: {m.group(0)}"


def peer_goes(r):
    """The right Linux crashes while it is sent to: its peer is told, and its next life is reached again.

    Of two streams, one runs; who has the other sleeps with unread bytes, so that it wakes up behind the end."""
    stream = f"sockets connect {3 + RIGHT} {PORT} 1000 &"
    r.rewind(len(r.lines))
    driver.ask(r, LEFT, stream, "SOCK flows")
    driver.ask(r, LEFT, "a=$!; kill -STOP $a; echo SOCK sleeps", "^SOCK sleeps")
    driver.ask(r, LEFT, stream, "SOCK flows")
    r.focus(0)
    mark = len(r.lines)
    kill(r, RIGHT)
    r.focus(LEFT)
    r.rewind(mark)
    expect_told(r)
    r.expect("TEST ready", domain=RIGHT, limit=180)
    r.rewind(len(r.lines))
    driver.ask(r, RIGHT, f"sockets listen {PORT} &", "SOCK listens")
    m = driver.ask(r, LEFT, f"sockets connect {3 + RIGHT} {PORT} 1", END)
    assert [int(n) for n in m.group(1, 2, 4, 5)] == [2**20, 2**20, 0, 0]


def crash_under_streams(machine, name, buffers, kills, mib, evidence):
    """The driver domain is killed while streams cross it: a pause, and each byte once. Then a peer is."""
    with run.hypervisor(machine, system(buffers=buffers), name, limit=500, edit=keys) as r:
        begin(r)
        for domain in (LEFT, RIGHT):
            assert any("TEST virtio 0x0013 status 0x0000000f driver vmw_vsock" in t for t in r.text_of(domain))
        both_ways(r, mib)
        r.focus(0)
        for done in range(kills):
            time.sleep(0.2)
            assert ended(r) == 0, f"the streams have ended after {done} crashes"
            kill(r, 1)
            r.expect("right: served", domain=1, limit=60)
        expect_ends(r, 2, mib, limit=240)
        r.rewind(len(r.lines))
        driver.ask(r, LEFT, f"sockets refused {3 + RIGHT} 77", "SOCK connect error 104")  # nobody listens
        driver.ask(r, LEFT, f"sockets refused 99 {PORT}", "SOCK connect error 104")  # nobody has that number
        peer_goes(r)
        expect_quiet(r)
    evidence(f"{buffers}: MiB by sockets, both ways, twice at once", mib)
    evidence(f"{buffers}: crashes of the switch, lost or doubled bytes of sockets", f"{kills}, 0")


@pytest.mark.line_04_2
def test_crash(name, evidence):
    crash_under_streams(machines.A72_V3, name, "all", 5, 24, evidence)


@pytest.mark.long
@pytest.mark.line_04_2
def test_dies_at_each_store(name, evidence, lives=40, mib=96):
    """A switch that dies behind a store of the rings or of the ledger, in each life behind another one, at once.

    One that goes on with damaged variables may call a frontend's ring broken before it ends: then that device fails."""
    with run.hypervisor(machines.A72_V3, system("vsock-step", "kind=0"), name, limit=900) as r:
        begin(r)
        both_ways(r, mib)
        stores = collections.Counter()
        while sum(stores.values()) < lives and ended(r) == 0:
            _, m = r.expect(r"dies behind store (\d+)", domain=1, limit=60)
            stores[int(m.group(1))] += 1
        expect_ends(r, 2, mib, limit=800)
        expect_quiet(r)
        assert sum(stores.values()) >= lives
    evidence("deaths by store", ", ".join(f"{k}: {v}" for k, v in sorted(stores.items())))
    evidence("MiB by sockets, lost or doubled bytes", f"{4 * mib}, 0")
