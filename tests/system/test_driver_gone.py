# SPDX-License-Identifier: Apache-2.0
"""A driver domain that is gone for good: what Debian's Linux in front of it does and says then, and that nobody else
notices."""

import re

import pytest

import driver
import machine as machines
import run
import test_driver_crash as crash

pytestmark = pytest.mark.line_04_2
BLOCK, ENTROPY, LINUX, NEIGHBOUR = 1, 2, 3, 4
ONCE = "bulkhead,restart = <1>;"
NEVER = ""
ABORT = "Internal error: synchronous external abort"


def machine_with(name, machine):
    more = ("-object", "rng-random,id=rng,filename=/dev/urandom",
            "-device", "virtio-rng-device,rng=rng,bus=virtio-mmio-bus.8")
    return driver.with_devices(driver.disk_image(name, 16), machine, more=more)


def start(name, end, backend, limit, machine=machines.A72_V3, neighbour=False):
    """Linux with a disk and entropy, and perhaps a second Linux."""
    domains = [backend, driver.backend("entropy", 1),
               driver.frontend([("block", "block", f'bulkhead,park-end = "{end}";'), ("entropy", "entropy", "")],
                               properties="bulkhead,restart = <3>;")]
    if neighbour:
        domains.append(driver.frontend([("entropy", "entropy", "")], "neighbour", cpus=1))
    return run.hypervisor(machine_with(name, machine), domains, name, limit, edit=crash.keys)


def kill_for_good(r, domain):
    r.focus(0)
    r.send(f"c{domain}")
    r.expect(f"DOM{domain} crashed, stays stopped", domain=None, limit=30)
    r.focus(LINUX)


def random(r, domain=LINUX):
    """The entropy device, of another backend, gives what is asked."""
    driver.ask(r, domain, "dd if=/dev/hwrng bs=50 count=4 iflag=fullblock 2> /dev/null | wc -c", "^200$")
    r.expect("TEST done", domain=domain)


def processes(r, of):
    """States of the processes of that name."""
    mark = len(r.lines)
    driver.ask(r, LINUX, "ps -o stat,args | sed s/^/STATE:/", "TEST done")
    found = [re.match(rf"STATE:(\w)\S* +{of}", l.text) for l in r.lines[mark:] if l.domain == LINUX]
    return [m.group(1) for m in found if m]


def stands_still(r, load):
    """Every request waits, nothing has failed, and no signal ends who waits."""
    reports = len(load.seen())
    while len(load.seen()) < reports + 6:
        r.expect("BLK now", domain=LINUX)
    assert len({done for _, done, _ in load.seen()[-4:]}) == 1, load.seen()[-6:]
    driver.ask(r, LINUX, "killall -9 blkcheck", "TEST done")
    states = processes(r, "blkcheck")
    assert states and set(states) <= {"D", "Z"} and "D" in states, states
    assert not [l.text for l in r.lines if l.domain == LINUX and "I/O error" in l.text]


def begin_load(r, workers=2):
    driver.ready(r, LINUX)
    r.send(f"blkcheck /dev/vda 8 100000 {workers} &\n", pause=0.002)
    r.expect("BLK now [1-9]", domain=LINUX, limit=60)
    return driver.Load(r, LINUX)


def comes_up_again(r):
    """A Linux that starts in front of the dead backend: the driver finds no device, and nobody else minds."""
    driver.ask(r, LINUX, "reboot -f", r"TEST warning .*virtio-mmio 2000000\.virtio: Wrong magic value 0xffffffff!", 180)
    r.expect("TEST ready", domain=LINUX, limit=60)
    driver.ask(r, LINUX, "ls /dev/vda", "No such file")
    random(r)


def test_requests_wait(name, evidence):
    """`ones`, under load: a restart is a pause; beyond the limit the requests wait for ever."""
    with start(name, "ones", driver.backend("block", 0, properties=ONCE), 200) as r:
        load = begin_load(r)
        r.focus(0)
        crash.kill(r, BLOCK)
        before = load.seen()[-1][1]
        while load.seen()[-1][1] <= before + 100:
            r.expect("BLK now", domain=LINUX, limit=60, refuse=crash.TROUBLE)
        kill_for_good(r, BLOCK)
        stands_still(r, load)
        random(r)
        comes_up_again(r)
    evidence("restarts within the limit, deaths beyond it", "1, 1")


@pytest.mark.long
def test_idle_disk(name):
    """`ones`, nothing under way: the driver lets go of the device, and does not find it again."""
    with start(name, "ones", driver.backend("block", 0, properties=NEVER), 200) as r:
        driver.ready(r, LINUX)
        kill_for_good(r, BLOCK)
        driver.ask(r, LINUX, "cat /sys/bus/virtio/devices/virtio0/status", "^0x000000ff$")
        driver.ask(r, LINUX, "cd /sys/bus/virtio/drivers/virtio_blk; echo virtio0 > unbind; ls /dev/vda",
                   "No such file")
        driver.ask(r, LINUX, "echo virtio0 > bind; dmesg | tail -n 1", "virtio_blk: probe of virtio0 failed with.*-2")
        random(r)
        comes_up_again(r)


@pytest.mark.long
def test_abort(name):
    """`abort`: who touches a register of the dead device is killed in the kernel, and what it holds is held for ever;
    the rest of Linux goes on, but does not come through a restart of its own."""
    with start(name, "abort", driver.backend("block", 0, properties=NEVER), 300, neighbour=True) as r:
        for domain in (LINUX, NEIGHBOUR):
            r.rewind()
            r.expect("TEST ready", domain=domain, limit=180)
        kill_for_good(r, BLOCK)
        driver.ask(r, LINUX, "cat /sys/bus/virtio/devices/virtio0/status", ABORT)
        r.expect("pc : vm_get_status", domain=LINUX)
        r.expect("Segmentation fault", domain=LINUX)
        random(r)
        driver.ask(r, LINUX, "(echo virtio0 > /sys/bus/virtio/drivers/virtio_blk/unbind) &", ABORT)
        r.expect("pc : vm_reset", domain=LINUX)
        random(r)
        r.send("reboot -f\n", pause=0.002)
        for _ in range(50):
            r.pump(0.1)
        assert not [l for l in r.lines if f"DOM{LINUX} asked for a reset" in l.text]
        r.focus(0)
        r.send(f"r{LINUX}")
        r.expect("pc : virtio_mmio_probe", domain=LINUX, limit=180)
        r.expect("TEST ready", domain=LINUX, limit=60)
        driver.ask(r, LINUX, "ls /sys/bus/virtio/devices | wc -l", "^0$")
        r.focus(NEIGHBOUR)
        random(r, NEIGHBOUR)
