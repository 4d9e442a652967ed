# SPDX-License-Identifier: Apache-2.0
"""A network's driver domain that dies again and again under TCP: connections live on, and every byte is right."""

import dataclasses
import hashlib
import http.server
import os
import re
import threading

import pytest

import driver
import lives
import machine as machines
import run

pytestmark = pytest.mark.line_04_2
WEB = os.urandom(256 * 1024)
# What is sent is never the same twice: the passes have numbers.
SEND = ("mkfifo /tmp/p; sha256sum < /tmp/p | sed s/^/SENT:/ & (i=0; while [ ! -e /tmp/stop ]; do i=$((i + 1)); "
        "echo $i; cat /tmp/f; done; echo PASSES: $i > /tmp/passes) | tee /tmp/p | nc 10.0.2.{} {} & echo SENDS")
FETCH = ("while [ ! -e /tmp/stop ]; do wget -q -O - http://10.0.2.2:{}/ | sha256sum | sed s/^/WEB:/; sleep 0.2; done & "
         "echo FETCHES")
FILE = 128 * 1024


class Web(http.server.BaseHTTPRequestHandler):
    """On the machine that runs the test, behind QEMU's user network."""

    def do_GET(self):  # pylint: disable=invalid-name
        self.send_response(200)
        self.send_header("Content-Length", str(len(WEB)))
        self.end_headers()
        self.wfile.write(WEB)

    def log_message(self, *unused):  # pylint: disable=arguments-differ
        pass


def set_up(r):
    for domain in (2, 3):
        r.rewind()
        driver.ready(r, domain)
    for domain in (2, 3):
        driver.ask(r, domain, f"ifconfig eth0 10.0.2.{20 + domain} netmask 255.255.255.0 up; "
                   f"dd if=/dev/urandom of=/tmp/f bs=64k count={FILE // 65536} 2> /dev/null; echo UP", "^UP")
    for domain in (2, 3):
        # Its input must stay open: at its end nc tells the other side that it is done.
        driver.ask(r, domain, f"sleep 10000 | nc -l -p {7000 + domain} | sha256sum | sed s/^/SUM:/ & sleep 1; "
                   "echo WAITS", "^WAITS")


def stop(r):
    """The loads end; returns (sum sent, sum received by the other one, bytes) of both."""
    sums = {}
    mark = r.mark()
    for domain in (2, 3):
        driver.ask(r, domain, "touch /tmp/stop; echo STOPS", "^STOPS")
    for domain in (2, 3):
        end = r.mark()
        r.rewind(mark)
        sent = r.expect(r"SENT:(\w{64})", domain=domain, limit=120)[1].group(1)
        r.rewind(mark)
        received = r.expect(r"SUM:(\w{64})", domain=5 - domain, limit=120)[1].group(1)
        r.rewind(max(end, r.mark()))
        passes = int(driver.ask(r, domain, "cat /tmp/passes", r"PASSES: (\d+)").group(1))
        sums[domain] = sent, received, passes * FILE
    return sums


def tcp(machine, name, deaths, evidence, kind, buffers="all", cpus=1):
    """`kind`: of lives.KINDS; None: each in turn."""
    disk = driver.disk_image(name, 1)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    domains = [dataclasses.replace(driver.backend("net", 0, image=lives.image("net"), properties=lives.HEART),
                                   bootargs="mean=100 least=1500" + ("" if kind is None else f" kind={kind}"))]
    domains += [driver.frontend([("net", "net", "")], f"linux{i}", cpus, buffers=buffers) for i in range(2)]
    with run.hypervisor(driver.with_devices(disk, machine), domains, name, limit=300 + 10 * deaths) as r:
        set_up(r)
        for domain in (2, 3):
            driver.ask(r, domain, SEND.format(25 - domain, 7005 - domain), "^SENDS")
        driver.ask(r, 2, FETCH.format(server.server_address[1]), "^FETCHES")
        before = sum(lives.Lives(r, 1).deaths.values())
        for _ in range(deaths):
            r.expect(r"^dies behind store", domain=1, limit=60)
            r.expect(r"DOM1 crashed, restarting", domain=None, limit=30, refuse="Kernel panic")
        sums = stop(r)
        for domain, (sent, received, _) in sums.items():
            assert sent == received, f"what domain {domain} sent is not what has come"
        fetched = [m.group(1) for m in (re.search(r"WEB:(\w{64})", text) for text in r.text_of(2)) if m]
        assert fetched and set(fetched) == {hashlib.sha256(WEB).hexdigest()}, "what was fetched differs"
        for domain in (2, 3):
            driver.ask(r, domain, "complaints", "TEST done")
            assert sum("TEST ready" in text for text in r.text_of(domain)) == 1, "a frontend started again"
        assert driver.complaints(r, 2, 3) == []
        seen = lives.Lives(r, 1)
    server.shutdown()
    assert sum(seen.deaths.values()) - before >= deaths
    seen.record(evidence)
    evidence("bytes by one connection, each way", f"{sums[2][2]}, {sums[3][2]}")
    evidence("transfers from the user network, bytes", f"{len(fetched)}, {len(fetched) * len(WEB)}")
    evidence("connections lost, wrong bytes, reboots of frontends", "0, 0, 0")


def test_tcp(name, evidence):
    tcp(machines.A72_V3, name, 12, evidence, 0)


@pytest.mark.long
@pytest.mark.parametrize("kind", [None, 5, 6])
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_tcp_long(machine, kind, name, evidence):
    tcp(machine, name, 100 if kind is None else 30, evidence, kind)
