# SPDX-License-Identifier: Apache-2.0
"""Channels, static shared memory and static event channels between two domains, as their device trees tell them."""

import dataclasses

import pytest

import linux
import machine as machines
import run
import tree
from tree import Domain

pytestmark = pytest.mark.line_03_6

MACHINES = machines.parameter(machines.A53_V2, machines.A72_V3)
DIRECT = "direct-map; xen,static-mem = <0x0 0x70000000 0x0 0x1000000>; nr_spis = <64>;"
DOORBELLS = {"device": '"device"', "event": '"event"', "mixed": '"event", "device"'}


def pair(guest, test, first="", second="", nodes=("", "")):
    return [Domain(guest, f"test={test} side={side}", properties=properties, nodes=nodes[side])
            for side, properties in enumerate((first, second))]


@MACHINES
@pytest.mark.parametrize("kind", list(DOORBELLS))
@pytest.mark.parametrize("second", ["", DIRECT], ids=["", "direct"])
def test_channel(machine, kind, second, guest, name):
    chosen = ('pair { compatible = "bulkhead,channel"; bulkhead,domains = <&domU1 &domU2>; bulkhead,size = <0x2000>; '
              f"bulkhead,doorbell = {DOORBELLS[kind]}; }};")
    figures = {}
    with run.hypervisor(machine, pair(guest, "channel_talk", second=second), name, chosen=chosen) as r:
        run.finish(r, (1, 2), figures)
        rung = [figures[(domain, "channel_talk.intid")] for domain in (1, 2)]
        assert [intid == 31 for intid in rung] == [kind != "device", kind == "event"]
        r.wait_end(10)


def shared(ipa, size, identity, role, host=""):
    return (f'shared@{ipa:x} {{ compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "{identity}"; {role} '
            f"xen,shared-mem = <{host} {tree.cells(ipa)} {tree.cells(size)}>; }};")


BELLS = ['b1: bell { compatible = "xen,evtchn-v1"; xen,evtchn = <10 &b2>; };',
         'b2: bell { compatible = "xen,evtchn-v1"; xen,evtchn = <12 &b1>; };']


@MACHINES
def test_shared_memory_and_events(machine, guest, name):
    host = "0x0 0x60000000"
    machine = dataclasses.replace(machine, options=("-device", "loader,addr=0x60001ff8,data=0x1234,data-len=8"))
    nodes = [shared(0x50000000, 0x2000, "frames", 'role = "owner";', host) +
             shared(0x48000000, 0x1000, "both", "") + BELLS[0],
             shared(0x0d000000, 0x2000, "frames", 'bulkhead,role = "reader";', host) +
             shared(0x250000000, 0x1000, "both", "") + BELLS[1]]
    domains = pair(guest, "shared_memory,static_event", nodes=nodes)
    domains.append(Domain(guest, "test=holes"))  # one of them is at nobody's shared memory
    with run.hypervisor(machine, domains, name) as r:
        run.finish(r, (1, 2, 3))
        r.wait_end(10)


@MACHINES
def test_hypervisor_node(machine, guest, name):
    with run.hypervisor(machine, [Domain(guest, "test=hypervisor_node", properties="xen,enhanced;")], name) as r:
        r.expect(r"xen,enhanced: there is no xenstore", domain=None)
        run.finish(r, (1,))
        r.wait_end(10)


def test_linux(guest, name):
    """Debian's kernel takes what its tree tells: no warning, memory beside RAM, a fault only for a store."""
    nodes = shared(0x60000000, 0x200000, "both", "") + shared(0x61000000, 0x2000, "frames", 'bulkhead,role = "reader";')
    domains = [Domain(linux.kernel(), "console=ttyAMA0 quiet", ramdisk=linux.ramdisk(), cpus=2, memory=262144,
                      properties="xen,enhanced;", nodes=nodes),
               Domain(guest, "test=hello",
                      nodes=shared(0x50000000, 0x2000, "frames", 'bulkhead,role = "writer"; role = "owner";'))]
    chosen = 'pair { compatible = "bulkhead,channel"; bulkhead,domains = <&domU1 &domU2>; };'
    with run.hypervisor(machines.A72_V3, domains, name, limit=240, chosen=chosen) as r:
        r.expect(r"TEST ready up", domain=1, limit=120, refuse="Kernel panic")
        assert linux.new_warnings(r.text_of(1)) == []
        r.focus(1)
        for command, answer in (
                ("cat /proc/device-tree/channel@*/bulkhead,name", "pair"),
                ("cat /proc/device-tree/reserved-memory/xen-shmem@61000000/bulkhead,role", "reader"),
                ("grep -c 60000000-601fffff.*System /proc/iomem", "1"),
                ("grep -c 61000000 /proc/iomem", "0"),
                ("devmem 0x61000008 32", "0x00000000"),
                ("devmem 0x61000008 32 1; echo $?", "135"),
                ("devmem 0xc000008 32 0x77; devmem 0xc000008 32", "0x00000077"),
                ("devmem 0xc010008 32 1; echo $?", "135")):
            r.send(f"echo SAYS $({command} 2>/dev/null | tr -d '\\0')\n", pause=0.002)
            r.expect(rf"^SAYS {answer}", domain=1, limit=20)
        r.send("poweroff -f\n", pause=0.002)
        r.wait_end(20)
