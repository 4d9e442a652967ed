# SPDX-License-Identifier: Apache-2.0
"""Debian's Linux with its disk served by a driver domain."""

import os
import re

import pytest

import driver
import machine as machines
import run

pytestmark = pytest.mark.line_04_1
HALVES = ["bulkhead,sectors = /bits/ 64 <0x10000>;", "bulkhead,first-sector = /bits/ 64 <0x10000>;"]
CRASH = "echo 1 > /proc/sys/kernel/panic; echo c > /proc/sysrq-trigger"


def two_halves(**options):
    """The backend of one disk, and two Linux domains that have half of it each."""
    return [driver.backend("block", 0)] + [driver.frontend([("block", "block", half)], f"linux{i}", **options)
                                           for i, half in enumerate(HALVES)]


def quiet(r, *domains):
    """Every kernel has nothing to complain of."""
    for domain in domains:
        driver.ask(r, domain, "complaints", "TEST done")
    assert driver.complaints(r, *domains) == []


def use_disk(machine, name, mib, seconds, rebinds, evidence):
    """A file system of that size, verified random access by four processes, the driver unbound and bound again."""
    disk = driver.disk_image(name, mib + mib // 4 + 32)
    domains = [driver.backend("block", 0), driver.frontend([("block", "block", "bulkhead,queues = <2>;")], cpus=2)]
    with run.hypervisor(driver.with_devices(disk, machine), domains, name, limit=120 + mib * 2 + rebinds) as r:
        driver.ready(r, 2)
        m = driver.ask(r, 2, f"files {mib}", r"TEST files (\d+) of 4 MiB, (\d+) read back; (\d+) sums", 60 + mib * 2)
        assert [int(x) for x in m.groups()] == [mib // 4] * 3
        r.send(f"blkcheck /dev/vda 32 {seconds} 4\n", pause=0.002)
        writes, reads, count, wrong, failed, versions = driver.Load(r, 2).end(4, 100 + seconds)
        assert (wrong, failed) == (0, 0)
        assert driver.versions_on(disk, 32, 4) == versions, "the image differs from what was acknowledged"
        m = driver.ask(r, 2, f"rebind virtio_blk {rebinds}", r"TEST rebind virtio_blk (\d+) of", 60 + rebinds)
        assert int(m.group(1)) == rebinds
        driver.ask(r, 2, "files 4", "TEST files 1 of 4 MiB, 1 read back; 1 sums")
        quiet(r, 2)
    evidence("MiB written to files and read back, with checksums", mib)
    evidence("verified random writes, reads, bytes", f"{writes}, {reads}, {count}")
    evidence("rebinds of the disk's driver", rebinds)


def test_files(name, evidence):
    use_disk(machines.A72_V3, name, 64, 8, 50, evidence)


@pytest.mark.long
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_files_long(machine, name, evidence):
    use_disk(machine, name, 1024, 60, 1000, evidence)


def use_large_disk(block, name, evidence):
    """A disk of 3 GiB and of that block size: what it is arrives at Linux, and all of it can be discarded, which is
    more than the disk takes at once."""
    mib, places = 3072, (0, 1500, 2999)
    path = driver.disk_image(name, mib)
    machine = driver.with_devices(path, drive=",cache=unsafe,discard=unmap",
                                  disk=f",logical_block_size={block},physical_block_size=4096")
    domains = [driver.backend("block", 0), driver.frontend([("block", "block", "")])]
    with run.hypervisor(machine, domains, name, limit=200) as r:
        driver.ready(r, 2)
        m = driver.ask(r, 2, 'cd /sys/block/vda; echo "TEST is $(cat size queue/logical_block_size '
                       'queue/physical_block_size queue/discard_max_bytes | tr "\\n" " ")"; cd /',
                       r"TEST is (\d+) (\d+) (\d+) (\d+)")
        assert [int(x) for x in m.groups()[:3]] == [mib * 2048, block, 4096]
        for place in places:
            driver.ask(r, 2, f"yes | dd of=/dev/vda bs=1M count=8 seek={place} iflag=fullblock conv=fsync 2> /dev/null",
                       "TEST done")
        driver.ask(r, 2, "blkcheck /dev/vda 32 3 2", "BLK now")
        assert driver.Load(r, 2).end(2, 100)[3:5] == (0, 0)
        before = os.stat(path).st_blocks * 512
        m = driver.ask(r, 2, 'blkdiscard /dev/vda; echo "TEST discard $?"', r"TEST discard (\d+)", 60)
        assert int(m.group(1)) == 0
        for place in places:
            m = driver.ask(r, 2, f'echo "TEST left $(dd if=/dev/vda bs=1M count=8 skip={place} iflag=direct '
                           '2> /dev/null | tr -d "\\0" | wc -c)"', r"TEST left (\d+)")
            assert int(m.group(1)) == 0
        quiet(r, 2)
    left = os.stat(path).st_blocks * 512
    assert before >= 24 * 2**20 and left < 2**20, f"{before} bytes on the medium before, {left} after"
    evidence("bytes of a block, of the disk, on the medium before a discard of all and after",
             f"{block}, {mib << 20}, {before}, {left}")


def test_large_disk(name, evidence):
    use_large_disk(4096, name, evidence)


@pytest.mark.long
def test_large_disk_long(name, evidence):
    use_large_disk(512, name, evidence)


def test_flush_reaches_the_medium(name, evidence):
    """The first flush that comes to the medium fails there, and nothing else does: the process that asked for it is
    told, so it was not the driver domain that answered it."""
    disk = driver.disk_image(name, 16)
    rule = disk + ".blkdebug"
    with open(rule, "w", encoding="ascii") as f:
        f.write('[inject-error]\nevent = "none"\niotype = "flush"\nerrno = "5"\nonce = "on"\n')
    machine = driver.with_devices(f"blkdebug:{rule}:{disk}", drive=",cache=writeback")
    domains = [driver.backend("block", 0), driver.frontend([("block", "block", "")])]
    with run.hypervisor(machine, domains, name, limit=200) as r:
        driver.ready(r, 2)
        r.focus(2)
        results = []
        for options in ("oflag=direct", "conv=fsync", "conv=fsync"):
            r.send(f'dd if=/dev/zero of=/dev/vda bs=4k count=8 {options} 2> /dev/null; echo "TEST wrote $?"\n',
                   pause=0.002)
            results.append(int(r.expect(r"TEST wrote (\d+)", domain=2)[1][1]))
    assert results[0] == 0, "a write without a flush fails"
    assert results[1] != 0, "a flush that failed was answered as done"
    assert results[2] == 0, "a flush that the medium does fails"
    evidence("a flush that fails on the medium, one that does not: the status of dd", f"{results[1]}, {results[2]}")


def test_lost_write_is_found(name, evidence):
    """The control: zeros that another process writes below the load."""
    disk = driver.disk_image(name, 64)
    domains = [driver.backend("block", 0), driver.frontend([("block", "block", "")])]
    with run.hypervisor(driver.with_devices(disk), domains, name, limit=300) as r:
        driver.ready(r, 2)
        r.send("(sleep 6; dd if=/dev/zero of=/dev/vda bs=4k seek=100 count=200 2> /dev/null; sync) &\n", pause=0.002)
        r.send("blkcheck /dev/vda 8 8 2\n", pause=0.002)
        wrong = driver.Load(r, 2).end(2, 200)[3]
        assert wrong > 0, "lost writes are not found"
    evidence("lost writes that the control found", wrong)


def share_disk(machine, name, seconds, lives, evidence):
    """Each Linux works on its half of one disk, and neither reaches the other's; one of them restarts under load
    again and again, by itself or by a crash of its kernel, and the other one does not notice."""
    disk = driver.disk_image(name, 64)
    domains = two_halves(properties=driver.ALWAYS)
    with run.hypervisor(driver.with_devices(disk, machine), domains, name, limit=400 + 60 * len(lives)) as r:
        for domain in (2, 3):
            r.rewind()
            r.expect("TEST disk 65536 sectors", domain=domain, limit=180)
            r.expect("TEST ready", domain=domain)
        driver.ask(r, 3, f"blkcheck /dev/vda 32 {seconds} 2 &", "BLK now")
        for end in lives:
            r.focus(2)
            r.send("blkcheck /dev/vda 32 600 4 &\n", pause=0.002)
            load = driver.Load(r, 2)
            r.expect("BLK now [1-9]", domain=2, limit=60)
            r.send(f"sleep 1; {end}\n", pause=0.002)
            r.expect("DOM2 .*restarting", domain=None, limit=60)
            r.expect("TEST ready", domain=2, limit=180)
        mark = r.mark()
        r.focus(3)
        r.send("touch /tmp/stop\n", pause=0.002)
        r.rewind(mark)
        writes, reads, count, wrong, failed, versions = driver.Load(r, 3).end(2, 200)
        assert (wrong, failed) == (0, 0)
        driver.ask(r, 2, "dd if=/dev/zero of=/dev/vda bs=1M 2> /dev/null; sync; echo FILLED", "^FILLED", 60)
        r.send("blkcheck /dev/vda 8 2 2\n", pause=0.002)
        assert driver.Load(r, 2).end(2, 100)[3:5] == (0, 0)
        assert not any(re.search("DOM1.*(crash|stopp)", l.text) for l in r.lines if l.domain is None)
        quiet(r, 3)
        assert len(load.seen()) > len(lives)
    with open(disk, "rb") as f:
        f.seek(8 * 2**20)
        assert not any(f.read(24 * 2**20)), "the first half is not what its owner wrote last"
    assert driver.versions_on(disk, 32, 2, 32) == versions, "the second half is not what its owner wrote last"
    evidence("lives of a Linux that ended under load", len(lives))
    evidence("verified operations of its neighbour, bytes", f"{writes + reads}, {count}")


def test_share(name, evidence):
    share_disk(machines.A72_V3, name, 600, ["reboot -f", CRASH], evidence)


@pytest.mark.long
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_share_long(machine, name, evidence):
    share_disk(machine, name, 3600, ["reboot -f", CRASH] * 10, evidence)
