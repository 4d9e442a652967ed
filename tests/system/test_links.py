# SPDX-License-Identifier: Apache-2.0
"""Channels, static shared memory and static event channels between two domains, as their device trees tell them."""

import pytest

import machine as machines
import run
import tree
from tree import Domain

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


def shared(ipa, size, identity, role):
    return (f'shared@{ipa:x} {{ compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "{identity}"; {role} '
            f"xen,shared-mem = <{tree.cells(ipa)} {tree.cells(size)}>; }};")


BELLS = ['b1: bell { compatible = "xen,evtchn-v1"; xen,evtchn = <10 &b2>; };',
         'b2: bell { compatible = "xen,evtchn-v1"; xen,evtchn = <12 &b1>; };']


@MACHINES
def test_shared_memory_and_events(machine, guest, name):
    nodes = [shared(0x50000000, 0x2000, "frames", 'role = "owner";') + shared(0x48000000, 0x1000, "both", "") + BELLS[0],
             shared(0x0d000000, 0x2000, "frames", 'bulkhead,role = "reader";') +
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
