# SPDX-License-Identifier: Apache-2.0
"""Debian's Linux with its network served by a driver domain."""

import pytest

import driver
import run

pytestmark = pytest.mark.line_04_1


def test_network(name, evidence):
    """Two Linux domains and QEMU's user network: ping, bulk transfer by TCP both ways."""
    disk = driver.disk_image(name, 1)
    domains = [driver.backend("net", 0)]
    domains += [driver.frontend([("net", "net", "")], f"linux{i}") for i in range(2)]
    with run.hypervisor(driver.with_devices(disk), domains, name, limit=400) as r:
        for domain in (2, 3):
            r.rewind()
            driver.ready(r, domain)
        for domain in (2, 3):
            driver.ask(r, domain, f"ifconfig eth0 10.0.2.{20 + domain} netmask 255.255.255.0 up; echo UP", "^UP")
        for domain, other in ((2, 23), (3, 22), (2, 2)):
            m = driver.ask(r, domain, f"ping -c 10 -i 0.2 10.0.2.{other} | grep received",
                           r"10 packets transmitted, (\d+) packets received")
            assert int(m.group(1)) >= 9
        for domain, other in ((2, 3), (3, 2)):
            # Its input must stay open: at its end nc tells the other side that it is done.
            driver.ask(r, other, "sleep 600 | nc -l -p 7000 | sha256sum | sed s/^/SUM:/ & sleep 1; echo WAITS",
                       "^WAITS")
            m = driver.ask(r, domain, "dd if=/dev/urandom of=/tmp/f bs=64k count=64 2> /dev/null; "
                           f"sha256sum < /tmp/f | sed s/^/SENT:/; nc 10.0.2.{20 + other} 7000 < /tmp/f",
                           r"^SENT:(\w{64})")
            r.rewind()
            r.expect("SUM:" + m.group(1), domain=other, limit=240)
        driver.ask(r, 2, "complaints", "TEST done")
        driver.ask(r, 3, "complaints", "TEST done")
        assert driver.complaints(r, 2, 3) == []
    evidence("MiB by TCP, each way", 4)
