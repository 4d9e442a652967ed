# SPDX-License-Identifier: Apache-2.0
"""Two Linux domains on the switch of a network driver domain, with QEMU's user network behind it."""

import pytest

import driver
import machine as machines
import run

pytestmark = pytest.mark.line_04_1


def send_file(r, domain, other, pieces, limit):
    """Random data by TCP, pieces of 64 KiB; returns the seconds that it took."""
    # Its input must stay open: at its end nc tells the other side that it is done.
    driver.ask(r, other, "sleep 6000 | nc -l -p 7000 | sha256sum | sed s/^/SUM:/ & sleep 1; echo WAITS", "^WAITS")
    m = driver.ask(r, domain, f"dd if=/dev/urandom of=/tmp/f bs=64k count={pieces} 2> /dev/null; "
                   f"sha256sum < /tmp/f | sed s/^/SENT:/; nc 10.0.2.{20 + other} 7000 < /tmp/f", r"^SENT:(\w{64})")
    begin = r.elapsed
    mark = r.mark()
    r.expect("SUM:" + m.group(1), domain=other, limit=limit)
    seconds = r.elapsed - begin
    r.rewind(mark)
    r.expect("TEST done", domain=domain)
    return seconds


def use_network(machine, name, mib, rebinds, evidence, buffers="all"):
    """The driver unbound and bound again, then ping among all three, then bulk transfer by TCP both ways."""
    disk = driver.disk_image(name, 1)
    domains = [driver.backend("net", 0)]
    domains += [driver.frontend([("net", "net", "")], f"linux{i}", buffers=buffers) for i in range(2)]
    with run.hypervisor(driver.with_devices(disk, machine), domains, name, limit=400 + 4 * rebinds + 40 * mib) as r:
        for domain in (2, 3):
            r.rewind()
            driver.ready(r, domain)
        m = driver.ask(r, 2, f"rebind virtio_net {rebinds}", r"TEST rebind virtio_net (\d+) of", 60 + 2 * rebinds)
        assert int(m.group(1)) == rebinds
        for domain in (2, 3):
            driver.ask(r, domain, f"ifconfig eth0 10.0.2.{20 + domain} netmask 255.255.255.0 up; echo UP", "^UP")
        for domain, other in ((2, 23), (3, 22), (2, 2)):
            m = driver.ask(r, domain, f"ping -c 10 -i 0.2 10.0.2.{other} | grep received",
                           r"10 packets transmitted, (\d+) packets received")
            assert int(m.group(1)) >= 9
        seconds = [send_file(r, domain, other, mib * 16, 180 + 30 * mib) for domain, other in ((2, 3), (3, 2))]
        for domain in (2, 3):
            driver.ask(r, domain, "complaints", "TEST done")
        assert driver.complaints(r, 2, 3) == []
    evidence("rebinds of the network's driver", rebinds)
    evidence("MiB by TCP, each way", mib)
    evidence("seconds of the emulating machine, each way", ", ".join(f"{s:.1f}" for s in seconds))


def test_network(name, evidence):
    use_network(machines.A72_V3, name, 4, 30, evidence)


@pytest.mark.long
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_network_long(machine, name, evidence):
    use_network(machine, name, 32, 1000, evidence)
