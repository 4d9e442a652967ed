# SPDX-License-Identifier: Apache-2.0
"""A Linux that does not show its memory to the driver domains that serve it: buffers = "bounce" and "grants"."""

import dataclasses
import os
import re
import struct

import pytest

import driver
import machine as machines
import run
import test_driver_crash as crash
import test_driver_domains_net as net
import test_driver_tcp
import test_gpio
import test_vsock as vsock
import tree
from test_driver_isolation import counts
from tree import Domain

pytestmark = pytest.mark.line_04_1
ALL_CLASSES = ("block", "net", "console", "entropy")


def random_backend(number):
    """The entropy domain with a virtio-rng, which is described as the disk is but for its place."""
    folder = os.path.join(run.WORK, "devices")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "driver-random.dts")
    with open(os.path.join(driver.EXAMPLE, "block.dts"), encoding="utf-8") as f:
        text = f.read().replace("a003e00", "a001000").replace("a003000", "a001000").replace("<0 47 1>", "<0 24 1>")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    tree.dtc(path, path[:-1] + "b")
    place = driver.STATIC.format(tree.cells(driver.BASE + 0x200000 * number), tree.cells(0x100000))
    return Domain(os.path.join(run.O, "domains", "entropy.img"), memory=1024, vpl011=False,
                  partial_tree=path[:-1] + "b", properties=f"{place} {driver.FIRST_OF_ALL} {driver.ALWAYS}",
                  name="entropy")


def with_random(machine):
    return dataclasses.replace(machine, options=(*machine.options, "-device",
                                                 "virtio-rng-device,bus=virtio-mmio-bus.8"))


def backends():
    console = Domain(os.path.join(run.O, "domains", "console.img"), memory=1024,
                     properties=f"{driver.FIRST_OF_ALL} {driver.ALWAYS}", name="console")
    return [driver.backend("block", 0), driver.backend("net", 1), console, random_backend(2)]


def use_all(machine, name, buffers):
    """Block with a file system and a verified load, net, console, entropy."""
    disk = driver.disk_image(name, 64)
    linux = driver.frontend([(kind, kind, "") for kind in ALL_CLASSES], buffers=buffers)
    with run.hypervisor(with_random(driver.with_devices(disk, machine)), [*backends(), linux], name, limit=400) as r:
        driver.ready(r, 5, 300)
        found = [re.search(r"TEST virtio 0x(\w+) status 0x0*f driver (\w+)", text) for text in r.text_of(5)]
        assert sorted(m.group(2) for m in found if m) == ["virtio_blk", "virtio_console", "virtio_net", "virtio_rng"]
        driver.ask(r, 5, "files 16", "TEST files 4 of 4 MiB, 4 read back; 4 sums", 200)
        r.expect("TEST done", domain=5, limit=30)
        r.send("blkcheck /dev/vda 16 10 4\n", pause=0.002)
        writes, reads, count, wrong, failed, versions = driver.Load(r, 5).end(4, 120)
        assert (wrong, failed) == (0, 0)
        assert driver.versions_on(disk, 16, 4) == versions
        r.expect("TEST done", domain=5, limit=30)
        driver.ask(r, 5, "ifconfig eth0 10.0.2.15 up; ping -c 5 -i 0.2 10.0.2.2", r"[45] packets received", 60)
        r.expect("TEST done", domain=5, limit=30)
        console = "hvc1" if buffers == "grants" else "hvc0"  # behind Xen's, which an enhanced domain has
        mark = r.mark()
        r.send(f"echo a line > /dev/{console}\n", pause=0.002)
        r.expect("linux: a line", domain=3, limit=30)
        r.rewind(mark)
        driver.ask(r, 5, "dd if=/dev/hwrng bs=64 count=16 2> /dev/null | md5sum", r"\w{32}  -", 60)
        r.expect("TEST done", domain=5, limit=30)
        driver.ask(r, 5, "complaints", "TEST done")
        assert not any("still in use" in text for text in r.text_of(5))
        assert driver.complaints(r, 5) == []
        assert not any(re.search("crash", line.text) for line in r.lines)
    return writes + reads, count


@pytest.mark.confined
@pytest.mark.parametrize("buffers", ["bounce", "grants"])
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_classes(machine, name, buffers, evidence):
    operations, count = use_all(machine, name, buffers)
    evidence(f"{buffers}: verified operations, bytes", f"{operations}, {count}")


@pytest.mark.confined
@pytest.mark.line_04_2
@pytest.mark.parametrize("buffers", ["bounce", "grants"])
def test_dies_at_each_store(name, buffers, evidence):
    crash.die_by_itself(machines.A72_V3, name, 20, evidence, buffers)


@pytest.mark.confined
@pytest.mark.long
@pytest.mark.line_04_2
@pytest.mark.parametrize("buffers", ["bounce", "grants"])
def test_crash(name, buffers, evidence):
    crash.crash_under_load(machines.A72_V3, name, 100, evidence, buffers=buffers)


@pytest.mark.confined
@pytest.mark.parametrize("buffers", ["bounce", "grants"])
def test_network(name, buffers, evidence):
    """Ping and bulk transfer by TCP, both ways, among two frontends and the user network."""
    net.use_network(machines.A72_V3, name, 2, 10, evidence, buffers)


@pytest.mark.confined
@pytest.mark.long
@pytest.mark.parametrize("buffers", ["bounce", "grants"])
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_network_long(machine, name, buffers, evidence):
    net.use_network(machine, name, 32, 1000, evidence, buffers)


@pytest.mark.confined
@pytest.mark.line_04_2
@pytest.mark.parametrize("buffers", ["bounce", "grants"])
def test_tcp(name, buffers, evidence):
    """Both ways at once, while the driver domain dies."""
    test_driver_tcp.tcp(machines.A72_V3, name, 6, evidence, 0, buffers, cpus=2)


@pytest.mark.confined
@pytest.mark.long
@pytest.mark.line_04_2
@pytest.mark.parametrize("buffers", ["bounce", "grants"])
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_tcp_long(machine, name, buffers, evidence):
    test_driver_tcp.tcp(machine, name, 40, evidence, 0, buffers, cpus=2)


@pytest.mark.confined
@pytest.mark.parametrize("buffers", ["bounce", "grants"])
def test_sockets(name, buffers, evidence):
    """More packets wait than the backend can have mapped at once."""
    streams, mib = 8, 1
    with run.hypervisor(machines.A72_V3, vsock.system(buffers=buffers), name, limit=200) as r:
        vsock.begin(r)
        r.focus(vsock.LEFT)
        text = " ".join(str(i) for i in range(streams))
        r.send(f"for i in {text}; do sockets connect {3 + vsock.RIGHT} {vsock.PORT} {mib} & done\n", pause=0.002)
        vsock.expect_ends(r, streams, mib)
        vsock.expect_quiet(r)
    evidence(f"{buffers}: streams through sockets at once, MiB of each there and back", f"{streams}, {mib}")


@pytest.mark.confined
@pytest.mark.long
@pytest.mark.line_04_2
@pytest.mark.parametrize("buffers", ["bounce", "grants"])
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_sockets_crash(machine, name, buffers, evidence):
    vsock.crash_under_streams(machine, name, buffers, 5, 24, evidence)


@pytest.mark.confined
@pytest.mark.line_04_2
@pytest.mark.parametrize("buffers", ["bounce", "grants"])
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_gpio_crash(machine, name, buffers, evidence):
    test_gpio.use_linux(machine, name, buffers, 10, evidence)


@pytest.mark.confined
@pytest.mark.parametrize("buffers", ["bounce", "grants"])
def test_rebind(name, buffers, evidence):
    """The driver gives the device up with all that it had granted, and finds it again."""
    disk = driver.disk_image(name, 16)
    domains = [driver.backend("block", 0), driver.frontend([("block", "block", "")], buffers=buffers)]
    with run.hypervisor(driver.with_devices(disk), domains, name, limit=300) as r:
        driver.ready(r, 2, 300)
        driver.ask(r, 2, "rebind virtio_blk 100", r"TEST rebind virtio_blk 100 of 100", 200)
        r.expect("TEST done", domain=2, limit=30)
        driver.ask(r, 2, "files 4", "TEST files 1 of 4 MiB, 1 read back; 1 sums", 100)
        r.expect("TEST done", domain=2, limit=30)
        driver.ask(r, 2, "complaints", "TEST done")
        assert driver.complaints(r, 2) == []
        assert not any("still in use" in text for text in r.text_of(2))
    evidence(f"{buffers}: resets and rebinds", 100)


def bare(image, arguments, sectors, buffers, name):
    """A frontend without an operating system on a range (first, number) of the disk of the first domain."""
    place = f"bulkhead,first-sector = <0 {sectors[0]}>; bulkhead,sectors = <0 {sectors[1]}>;"
    node = tree.virtio(driver.FIRST, "disk", "block", f'{place} bulkhead,buffers = "{buffers}";')
    return Domain(os.path.join(run.O, "domains", image + ".img"), arguments, memory=4096, nodes=node, name=name)


def memory_disk():
    return Domain(os.path.join(run.O, "domains", "block.img"), memory=1024, properties=driver.FIRST_OF_ALL, name="disk")


LOAD = "verify=1 writes=50 depth=8 random=1"


@pytest.mark.line_04_4
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_hostile_grants(machine, name, evidence):
    """Pages that a frontend has not granted, or not so, are out of reach, and its neighbour is served all the time."""
    domains = [memory_disk(), bare("grantbreak", "", (0, 64), "grants", "hostile"),
               bare("blockload", f"count=4000 {LOAD}", (64, 256), "grants", "honest")]
    with run.hypervisor(machine, domains, name, limit=90) as r:
        _, m = r.expect(r"GRANT attempts=(\d+) blocked=(\d+) controls=(\d+)", domain=2, limit=60, refuse="crash")
        attempts, blocked, controls = map(int, m.groups())
        assert attempts == blocked == 9 and controls == attempts + 2
        r.rewind()
        _, m = r.expect(r"LOAD done.* compared=(\d+) wrong=(\d+) failed=(\d+)", domain=3, limit=60, refuse="crash")
        assert int(m.group(1)) > 500 and (m.group(2), m.group(3)) == ("0", "0")
        assert not any("crash" in line.text for line in r.lines)
    evidence("grants: hostile attempts, blocked, controls fired", f"{attempts}, {blocked}, {controls}")


@pytest.mark.parametrize("buffers", ["bounce", "grants"])
def test_load(name, buffers, evidence):
    """A frontend without an operating system, whose every block says what it is."""
    domains = [memory_disk(), bare("blockload", f"count=4000 {LOAD}", (0, 512), buffers, "load")]
    with run.hypervisor(machines.A72_V3, domains, name, limit=90) as r:
        _, m = r.expect(r"LOAD done.* compared=(\d+) wrong=(\d+) failed=(\d+)", domain=2, limit=60, refuse="crash")
        assert int(m.group(1)) > 500 and (m.group(2), m.group(3)) == ("0", "0")
    evidence(f"{buffers}: blocks compared without an operating system", int(m.group(1)))


@pytest.mark.line_04_4
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_hostile_backend(machine, name, evidence):
    """A backend sees the pool of its frontend, and dies at every other place around it, reading and writing."""
    peek = Domain(os.path.join(run.O, "domains", "peek.img"), memory=512, properties=driver.ALWAYS, name="disk")
    victim = bare("blockload", "", (0, 64), "bounce", "victim")
    with run.hypervisor(machine, [peek, victim], name, limit=90) as r:
        r.expect("PEEK has tried all", domain=1, limit=60, refuse="REACHED")
        text = r.text_of(1)
        tried = [m.group(1) for m in (re.match(r"PEEK tries (\w+)", line) for line in text) if m]
        died = [m.group(1) for m in (re.search(r"crash: exception esr 9\w+ .* far (\w+)", line) for line in text) if m]
        assert tried == died and len(tried) == 12
        assert sum(line.startswith("PEEK sees its window") for line in text) == 13
    evidence("bounce: hostile attempts of a backend, blocked, controls fired", f"{len(tried)}, {len(died)}, 13")


HVC = 0xd401d422  # hvc #0xea1


@pytest.mark.parametrize("buffers, least, most", [("all", 2, 2.1), ("bounce", 2, 2.1), ("grants", 8, 8.1)])
def test_hypercalls(name, buffers, least, most, evidence):
    """Of the backend for each 4 KiB, counted from outside: the two notifications that end what the frontend's interrupt
    handler does with InterruptStatus and InterruptACK; and one for each piece that is mapped, and unmapped.

    Three pieces (header, data, status) are two calls of three operations; each operation is an HVC, because the
    hypervisor goes on with a call one operation at a time. What is left are the watchdog's."""
    requests, path = 500, os.path.join(run.O, "tests", f"hypercalls-{buffers}.counts")
    plugin = counts.arguments(os.path.join(run.O, "tests", "count.so"), path, profile=1)
    machine = dataclasses.replace(machines.A53_V2, cpu="cortex-a53,cntfrq=1000000000", gic=3, smp=2,
                                  icount="shift=0,sleep=off", options=tuple(plugin))
    domains = [memory_disk(), bare("blockload", f"count={requests} warm=50", (0, 512), buffers, "load")]
    with run.hypervisor(machine, domains, name, limit=100) as r:
        r.expect(r"LOAD done.* failed=0", domain=2, limit=90, refuse="crash:")
        r.expect("GUEST DONE", domain=2, limit=10)
    with open(domains[0].kernel, "rb") as f:
        image = f.read()
    calls = instructions = 0
    for domid, address, times in counts.read(path).places:
        at = address % 0x200000  # the image lies at the beginning of a block
        if domid == 1 and at < len(image):
            instructions += times
            calls += times if struct.unpack_from("<I", image, at // 4 * 4)[0] == HVC else 0
    assert instructions > 500 * requests, "nothing was counted"
    assert least <= calls / requests <= most, f"{calls} hypercalls for {requests} requests"
    evidence(f"{buffers}: hypercalls of the backend for 4 KiB", f"{calls / requests:.2f}")
