# SPDX-License-Identifier: Apache-2.0
"""Devices behind an SMMU: they reach the memory of their domain, and nothing else."""

import dataclasses
import os
import re

import pytest

import driver
import linux
import machine as machines
import run
import test_buffers
import test_driver_crash
import test_passthrough
import tree
from tree import Domain

pytestmark = pytest.mark.line_04_1
EDU = ("-device", "edu,dma_mask=0xffffffffffffffff")
ALWAYS = "bulkhead,restart = <0xffffffff>;"
ATTACKER, VICTIM = 0x60000000, 0x61000000
VICTIM_AT = 0x40000000  # in the victim's own addresses
FAULT = re.compile(r"DOM(\d+): DMA of stream 0x([0-9a-f]+) blocked: (write to|read of) 0x([0-9a-f]+), (.*)")


def with_edu(smmu, machine=machines.A72_V3):
    options = ",iommu=smmuv3" if smmu else ""
    return dataclasses.replace(machine, machine_options=options, options=EDU, smp=2)


def partial(smmu=True):
    """The PCI bridge; without an SMMU it is only given by force."""
    if smmu:
        return test_passthrough.partial("pci")
    source, blob = (os.path.join(test_passthrough.OUT, "pci-forced" + ext) for ext in (".dts", ".dtb"))
    os.makedirs(test_passthrough.OUT, exist_ok=True)
    with open(os.path.join(test_passthrough.HERE, "pci.dts"), encoding="ascii") as f:
        text = f.read()
    with open(source, "w", encoding="ascii") as f:
        f.write(text.replace("xen,path", "xen,force-assign-without-iommu;\n\t\t\txen,path"))
    tree.dtc(source, blob)
    return blob


def attacker(guest, args, smmu=True, properties="", memory=4096):
    """A domain with the PCI bridge whose addresses are the machine's: an attack names them."""
    place = test_passthrough.static(memory * 1024, ATTACKER)
    return Domain(guest, args, memory=memory, partial_tree=partial(smmu),
                  properties=f"{place} {properties}")


def victim(guest, args):
    place = f"xen,static-mem = <{tree.cells(VICTIM)} {tree.cells(4 << 20)}>;"
    return Domain(guest, args, memory=4096, properties=place)


def faults(r):
    """(domain, stream, direction, address, reason) of each report."""
    found = [FAULT.search(("" if l.domain is None else f"DOM{l.domain}: ") + l.text) for l in r.lines]
    return [(int(m[1]), int(m[2], 16), m[3], int(m[4], 16), m[5]) for m in found if m]


@pytest.mark.parametrize("smmu", [True, False], ids=["smmu", "control"])
def test_attack(smmu, guest, name, evidence):
    """A driver domain sends its device to a neighbour's RAM, the hypervisor's image and tables, and the SMMU.

    Without an SMMU it reaches the neighbour, and reads the hypervisor."""
    look = [attacker(guest, "test=hello", smmu), victim(guest, "test=dma_victim ms=200")]
    with run.hypervisor(with_edu(smmu), look, name + "-look") as r:
        image = int(r.expect(r"image at 0x([0-9a-f]+)", domain=None)[1][1], 16)
        heap = int(r.expect(r"heap \d+ at 0x([0-9a-f]+)", domain=None)[1][1], 16)
        watched = int(r.expect(r"WATCH 0x([0-9a-f]+)", domain=2)[1][1], 16) - VICTIM_AT + VICTIM
    targets = [watched, image, heap, 0x9050000] if smmu else [watched]
    args = " ".join(f"at{i}=0x{at:x}" for i, at in enumerate(targets))
    tests = "test=dma_own,dma_attack"
    if not smmu:
        tests += f",dma_peek peek0=0x{image:x} peek1=0x{heap:x}"
    domains = [attacker(guest, f"{tests} {args}", smmu), victim(guest, "test=dma_victim ms=5000")]
    figures = {}
    with run.hypervisor(with_edu(smmu), domains, name, limit=60) as r:
        run.finish(r, (1, 2), figures)
    assert figures[1, "dma_attack.attempts"] == len(targets)
    if not smmu:
        assert figures[2, "dma_victim.changed"] == 1 and figures[1, "dma_attack.read"] == 1
        assert figures[1, "dma_peek.read"] == 2
        evidence("without an SMMU: writes and reads that arrive", "1 of 1, 3 of 3")
        return
    assert figures[2, "dma_victim.changed"] == 0 and figures[1, "dma_attack.read"] == 0
    edu = 1 << 3  # the only device on the bus
    assert sorted(faults(r)) == sorted((1, edu, how, at, "nothing there") for at in targets
                                       for how in ("write to", "read of"))
    evidence("DMA attempts, arrived, reported with domain and stream", f"{2 * len(targets)}, 0, {2 * len(targets)}")


@pytest.mark.parametrize("smmu", [True, False], ids=["smmu", "control"])
def test_windows(smmu, guest, name, evidence):
    """A backend's device reaches its frontend's RAM through an open window, and not when it is closed, the backend
    has crashed, or the frontend has stopped. The control has no SMMU: there a closed window is open to DMA, and the
    hypervisor waits for the backend before it clears the frontend's RAM."""
    place = "" if smmu else test_passthrough.static(16 << 20, ATTACKER)
    backend = Domain(guest, "test=ioreq_serve", partial_tree=partial(smmu),
                     properties=f"{place} {driver.ALWAYS} {driver.FIRST_OF_ALL}")
    frontends = [Domain(guest, f"test={test}", memory=4096, nodes=tree.virtio(driver.FIRST, "domU1"),
                        properties=driver.ALWAYS)
                 for test in ("ioreq_dma", "ioreq_dma_stop")]
    figures = {}
    with run.hypervisor(with_edu(smmu), [backend, frontends[0]], name, limit=90) as r:
        run.finish(r, (2,), figures)
        assert figures["ioreq_dma.open"] == 1
        assert figures["ioreq_dma.closed"] == (0 if smmu else 1)
        assert figures["ioreq_dma.crashed"] == 0
    with run.hypervisor(with_edu(smmu), [backend, frontends[1]], name + "-stop", limit=90) as r:
        found = [int(r.expect(rf"LIFE {life} found (\d)", domain=2, refuse="FAIL")[1][1]) for life in (1, 2, 3)]
        assert found == [0, 0, 0]
    evidence("DMA to an open window, a closed one, after the backend's crash, after the frontend's stop: arrived",
             f"1 of 1, {figures['ioreq_dma.closed']} of 1, 0 of 1, {sum(found)} of 2")


@pytest.mark.parametrize("how", ["limit", "control"])
def test_not_quiet(how, guest, name, evidence):
    """Without an SMMU, a backend that never says that its device is quiet is reset with it when its limit is over,
    before its frontend's RAM is cleared. The control is a hypervisor that waits for nothing: of many transfers some
    come late enough."""
    lives = 3 if how == "limit" else 30
    image = test_passthrough.break_image("quiet") if how == "control" else None
    place = test_passthrough.static(16 << 20, ATTACKER)
    backend = Domain(guest, "test=ioreq_serve loud=1", partial_tree=partial(False),
                     properties=f"{place} bulkhead,quiet-ms = <20>; {driver.ALWAYS} {driver.FIRST_OF_ALL}")
    frontend = Domain(guest, f"test=ioreq_dma_stop lives={lives}", memory=4096,
                      nodes=tree.virtio(driver.FIRST, "domU1"), properties=driver.ALWAYS)
    found = []
    with run.hypervisor(with_edu(False), [backend, frontend], name, limit=90, image=image) as r:
        while len(found) < lives and sum(found) == 0:
            found.append(int(r.expect(rf"LIFE {len(found) + 1} found (\d)", domain=2, refuse="FAIL")[1][1]))
        crashed = sum(l.domain is None and "DOM1 crashed" in l.text for l in r.lines)
    assert (sum(found), crashed) == ((1, 0) if image else (0, 2))
    evidence("DMA behind a frontend's stop, no SMMU: arrived, backends reset", f"{sum(found)}, {crashed}")


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "control"])
def test_left_running(reset, guest, name, evidence):
    """A transfer that a crashed life left behind does not arrive in the next one; without the reset it would."""
    image = None if reset else test_passthrough.break_image("device_reset")
    owner = Domain(guest, "test=dma_leave", memory=4096, partial_tree=partial(), properties=driver.ALWAYS)
    with run.hypervisor(with_edu(True), [owner], name, limit=60, image=image) as r:
        found = [int(r.expect(r"LIFE found (\d+)", domain=1, refuse="FAIL")[1][1]) for _ in range(4)]
    assert found[0] == 0 and (max(found) == 0 if reset else max(found[1:]) > 0)
    evidence("lives that began with a transfer of the last one on its way, arrived", f"3, {sum(map(bool, found))}")


def with_disk(path):
    """A virtio disk on the PCI bus, whose DMA goes through the SMMU."""
    options = ("-drive", f"if=none,id=disk,format=raw,file={path},cache=unsafe",
               "-device", "virtio-blk-pci,drive=disk,disable-legacy=on,iommu_platform=on")
    return dataclasses.replace(machines.A72_V3, machine_options=",iommu=smmuv3", options=options, mem=2048)


def over_pci(device, image, name):
    """Linux on a driver domain whose only device is that one, on the PCI bus behind the SMMU."""
    options = (*device[:-1], device[-1] + ",disable-legacy=on,iommu_platform=on")
    machine = dataclasses.replace(machines.A72_V3, machine_options=",iommu=smmuv3", options=options, mem=2048)
    backend = Domain(os.path.join(run.O, "domains", image + ".img"), memory=1024, vpl011=False, partial_tree=partial(),
                     properties=f"{driver.FIRST_OF_ALL} {driver.ALWAYS}", name=image)
    domains = [backend, driver.frontend([(image, image, "")])]
    return run.hypervisor(machine, domains, name, limit=200)


def well(r):
    """Nothing was blocked, nobody crashed or complains."""
    driver.ask(r, 2, "complaints", "TEST done")
    assert driver.complaints(r, 2) == [] and faults(r) == []
    assert not any("crashed" in l.text for l in r.lines if l.domain is None)


def test_net_over_pci(name, evidence):
    """A Linux and QEMU's user network, through a network device behind the SMMU."""
    device = ("-netdev", "user,id=uplink", "-device", "virtio-net-pci,netdev=uplink,romfile=")
    with over_pci(device, "net", name) as r:
        r.expect(r"is behind SMMU, streams 0x0 to 0xffff", refuse="unprotected")
        r.expect(r"uplink: pcie@10000000", domain=1)
        r.rewind()
        driver.ready(r, 2)
        m = driver.ask(r, 2, "ifconfig eth0 10.0.2.20 netmask 255.255.255.0 up; ping -c 10 -s 1400 -i 0.2 10.0.2.2 | "
                       "grep received", r"10 packets transmitted, (\d+) packets received")
        assert int(m.group(1)) >= 9
        well(r)
    evidence("packets of 1400 bytes to the network and back over PCI", m.group(1))


@pytest.mark.long
def test_entropy_over_pci(name, evidence):
    device = ("-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng")
    with over_pci(device, "entropy", name) as r:
        r.expect(r"is behind SMMU, streams 0x0 to 0xffff", refuse="unprotected")
        r.expect(r"entropy: pcie@10000000", domain=1)
        r.rewind()
        driver.ready(r, 2)
        looks = [driver.ask(r, 2, "dd if=/dev/hwrng bs=64 count=4 iflag=fullblock 2> /dev/null | sha256sum | "
                            "sed s/^/SUM:/", r"^SUM:(\w{64})").group(1) for _ in range(2)]
        nothing = driver.ask(r, 2, "sha256sum < /dev/null | sed s/^/SUM:/", r"^SUM:(\w{64})").group(1)
        assert len({*looks, nothing}) == 3
        well(r)
    evidence("looks at entropy over PCI, all different", len(looks))


def load_and_kill(name, kills, buffers="all"):
    """Linux on a disk that a driver domain serves, without direct-map; the driver is killed under verified load."""
    disk = driver.disk_image(name, test_driver_crash.MIB)
    block = Domain(os.path.join(run.O, "domains", "block.img"), memory=1024, vpl011=False, partial_tree=partial(),
                   properties=f"{driver.FIRST_OF_ALL} {driver.ALWAYS}", name="block")
    domains = [block, driver.frontend([("block", "block", "bulkhead,queues = <2>;")], buffers=buffers)]
    workers, mib = test_driver_crash.WORKERS, test_driver_crash.MIB
    with run.hypervisor(with_disk(disk), domains, name, limit=300 + 4 * kills, edit=test_driver_crash.keys) as r:
        r.expect(r"is behind SMMU, streams 0x0 to 0xffff", refuse="unprotected")
        r.rewind()
        driver.ready(r, 2)
        r.send(f"blkcheck /dev/vda {mib} 100000 {workers} &\n", pause=0.002)
        r.expect("BLK now", domain=2, limit=30)
        load = driver.Load(r, 2)
        r.focus(0)
        for _ in range(kills):
            test_driver_crash.kill(r, 1)
            reports = len(load.seen())
            while len(load.seen()) < reports + 3:
                r.expect("BLK now", domain=2, limit=60, refuse="Kernel panic|I/O error|BLK wrong")
        r.focus(2)
        r.send("touch /tmp/stop\n", pause=0.002)
        writes, reads, count, wrong, failed, versions = load.end(workers, 200)
        assert (wrong, failed) == (0, 0), f"{wrong} acknowledged blocks lost, {failed} requests failed"
        assert driver.versions_on(disk, mib, workers) == versions, "the image differs from what was acknowledged"
        driver.ask(r, 2, "complaints", "TEST done")
        assert driver.complaints(r, 2) == []
        assert sum(l.domain is None and "restarting" in l.text for l in r.lines) == kills
        assert faults(r) == []
    return writes + reads, count


@pytest.mark.parametrize("buffers", ["all", pytest.param("grants", marks=[pytest.mark.long, pytest.mark.confined])])
def test_disk(buffers, name, evidence):
    operations, count = load_and_kill(name, 5, buffers)
    evidence(f"{buffers}: driver killed behind an SMMU, lost acknowledged writes", "5, 0")
    evidence(f"{buffers}: verified operations, bytes", f"{operations}, {count}")


@pytest.mark.parametrize("buffers", ["all", "grants"])
def test_load(buffers, name, evidence):
    """A frontend without an operating system on a disk behind the SMMU; every block says what it is."""
    disk = driver.disk_image(name, 16)
    block = Domain(os.path.join(run.O, "domains", "block.img"), memory=1024, vpl011=False, partial_tree=partial(),
                   properties=driver.FIRST_OF_ALL, name="disk")
    load = test_buffers.bare("blockload", f"count=4000 {test_buffers.LOAD}", (0, 2048), buffers, "load")
    with run.hypervisor(with_disk(disk), [block, load], name, limit=90) as r:
        r.expect(r"is behind SMMU, streams 0x0 to 0xffff", refuse="unprotected")
        _, m = r.expect(r"LOAD done.* compared=(\d+) wrong=(\d+) failed=(\d+)", domain=2, limit=60, refuse="crash")
        assert int(m.group(1)) > 500 and (m.group(2), m.group(3)) == ("0", "0")
        assert faults(r) == []
    evidence(f"{buffers}: blocks compared, from a disk behind an SMMU", int(m.group(1)))


HOLE = 0x90000000  # where the mapper of tests/attack/grant_dma.c has a page that is granted


@pytest.mark.parametrize("smmu", [True, False], ids=["smmu", "control"])
def test_grants(smmu, guest, name, evidence):
    """A device reaches a page that its domain has mapped of another one's grants; not when that has been unmapped, not
    to write if it was granted for reading, not a new life of the granter. Without an SMMU all of it arrives."""
    enhanced = f'xen,enhanced = "no-xenstore"; {ALWAYS}'
    mapper = attacker(guest, "test=grant_dma_mapper", smmu, properties='xen,enhanced = "no-xenstore";')
    granter = Domain(guest, "test=grant_dma_granter end=wait", memory=4096, properties=enhanced)
    figures = {}
    with run.hypervisor(with_edu(smmu), [mapper, granter], name, limit=60) as r:
        found = [int(r.expect(r"LIFE found (\d)", domain=2, refuse="FAIL")[1][1]) for _ in range(2)]
        r.rewind()
        run.finish(r, (1,), figures)
    got = {key.rpartition(".")[2]: value for key, value in figures.items()}
    assert (got["mapped"], got["mapped_again"], got["read"]) == (1, 1, 1)  # the controls
    stray = [got["unmapped"], got["on_its_way"], got["read_only"], found[1]]
    assert stray == ([0, 0, 0, 0] if smmu else [1, 1, 1, 1]) and found[0] == 0
    expected = [(1, 8, "write to", HOLE + 4096, "read-only")] + 3 * [(1, 8, "write to", HOLE, "nothing there")]
    assert sorted(faults(r)) == (sorted(expected) if smmu else [])
    evidence("DMA to granted pages: mapped; unmapped, unmapped meanwhile, read-only, granter's next life: arrived",
             f"3 of 3; {sum(stray)} of 4")
