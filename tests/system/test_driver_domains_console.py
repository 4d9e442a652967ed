# SPDX-License-Identifier: Apache-2.0
"""Debian's Linux whose consoles and entropy come from driver domains; the board's first UART belongs to one of them."""

import base64
import collections
import os
import re
import tempfile

import pytest

import driver
import machine as machines
import run
from tree import Domain

pytestmark = pytest.mark.line_04_1
UART, VIRTUAL, ENTROPY, LINUX = 1, 2, 3, 4
BITS = 20000    # of one look at the entropy, FIPS 140-2's number


def start(machine, name, folder, limit):
    """A Linux with a console of three ports on the board's UART, one on a virtual UART, and entropy of QEMU's."""
    more = ("-object", "rng-random,id=rng,filename=/dev/urandom",
            "-device", "virtio-rng-device,rng=rng,bus=virtio-mmio-bus.8",
            "-chardev", f"socket,id=line,path={folder}/line,server=on,wait=off", "-serial", "chardev:line")
    domains = [driver.backend("console", 0, device="uart"),
               Domain(os.path.join(run.O, "domains", "console.img"), memory=1024, vpl011=True, name="virtual",
                      properties=f"{driver.FIRST_OF_ALL} {driver.ALWAYS}"),
               driver.backend("entropy", 2),
               driver.frontend([("console", "console", "bulkhead,ports = <3>;"), ("console", "virtual", ""),
                                ("entropy", "entropy", "")])]
    return run.hypervisor(driver.with_devices(driver.disk_image(name, 1), machine, more=more), domains, name, limit,
                          args="dtuart=/pl011@9040000", edit=driver.second_uart)


def look_random(data):
    """Why these bytes do not look random: FIPS 140-2's tests of one bit, of four and of the longest run; steps that
    are the same too often, as a counter's are."""
    assert len(data) * 8 == BITS
    bits = "".join(f"{byte:08b}" for byte in data)
    nibbles = [bits[i:i + 4] for i in range(0, BITS, 4)]
    poker = 16 / 5000 * sum(nibbles.count(n) ** 2 for n in set(nibbles)) - 5000
    found = []
    if not 9725 < bits.count("1") < 10275:
        found.append(f"{bits.count('1')} ones")
    if not 2.16 < poker < 46.17:
        found.append(f"poker {poker:.1f}")
    if re.search("0{26}|1{26}", bits):
        found.append("a long run")
    for width in (1, 2, 4, 8):
        steps = collections.Counter((b - a) % 256 for a, b in zip(data, data[width:]))
        if steps.most_common(1)[0][1] > 40:  # of 2,500, where ten are expected
            found.append(f"steps of width {width}")
    return found


def test_control_of_randomness():
    """Constants, counters and text are found."""
    for data in (bytes(2500), b"\x55" * 2500, bytes(i % 256 for i in range(2500)), b"Bulkhead. " * 250):
        assert look_random(data), data[:10]


def random(r):
    """A look at what the entropy device gives, past the kernel's own generator."""
    r.focus(LINUX)
    begin = len(r.lines)
    r.send(f"random {BITS // 8}\n", pause=0.002)
    r.expect("TEST random virtio_rng", domain=LINUX)
    r.expect("TEST done", domain=LINUX, limit=120)
    text = "".join(l.text[7:] for l in r.lines[begin:] if l.domain == LINUX and l.text.startswith("RANDOM:"))
    return base64.b64decode(text)


def consoles(r, terminal):
    """Linux's names of both consoles, by the order in which it found them."""
    r.focus(LINUX)
    r.send("consoles\n", pause=0.002)
    own = terminal.expect(r"^linux: this is (hvc\d)$").group(1)
    other = r.expect(r"^linux: this is (hvc\d)$", domain=VIRTUAL)[1].group(1)
    return own, other


def ports(r, terminal):
    """Each further port has its line of output, and the input when its turn comes."""
    number = driver.ask(r, LINUX, "ls /dev", r"vport(\d+)p1").group(1)
    for port in (1, 2):
        device = f"/dev/vport{number}p{port}"
        driver.ask(r, LINUX, f"echo out of {port} > {device}", "TEST done")
        terminal.expect(f"^linux/{port}: out of {port}$")
        terminal.send("\x01\x01\x01")
        terminal.expect(f"^linux/{port}: has the input$")
        r.send(f"head -n 1 {device} | sed s/^/TEST:port:{port}:/\n", pause=0.002)
        terminal.send(f"into {port}\n")
        r.expect(f"^TEST:port:{port}:into {port}$", domain=LINUX)
        r.expect("TEST done", domain=LINUX)
    terminal.send("\x01\x01\x01")
    terminal.expect("^linux: has the input$")


def use(machine, name, rebinds, lines, evidence):
    """Rebinds come last: Linux 6.1 numbers its hvc devices on with each, and has eight."""
    with tempfile.TemporaryDirectory() as folder, start(machine, name, folder, 300 + 4 * rebinds) as r:
        r.expect("vCPUs, first on pCPU", domain=None, refuse="error:|the boot stops")
        with driver.Terminal(r, folder + "/line") as terminal:
            driver.ready(r, LINUX)
            own, other = consoles(r, terminal)
            r.send(f"shell {own}\n", pause=0.002)
            terminal.send("echo product $((6 * 7))\n")
            terminal.expect("^linux: product 42$")
            r.send(f"seq 1 {lines} > /dev/{own}\n", pause=0.002)
            for i in range(1, lines + 1):
                assert terminal.expect(r"^linux: (\d+)$", 60).group(1) == str(i), "output was lost or changed"
            ports(r, terminal)
            terminal.send("echo again $((6 * 8))\n")
            terminal.expect("^linux: again 48$")
            r.send(f"shell {other}\n", pause=0.002)
            driver.ask(r, VIRTUAL, "echo other $((6 * 9))", "^linux: other 54$")
            looks = [random(r) for _ in range(2)]
            assert looks[0] != looks[1] and not look_random(looks[0]) and not look_random(looks[1])
            for module in ("virtio_console", "virtio_rng"):
                m = driver.ask(r, LINUX, f"rebind {module} {rebinds}", rf"TEST rebind {module} (\d+) of",
                               60 + 2 * rebinds)
                assert int(m.group(1)) == rebinds
            ports(r, terminal)
            assert len(random(r)) == BITS // 8
            driver.ask(r, LINUX, "complaints", "TEST done")
            assert driver.complaints(r, LINUX) == []
    evidence("rebinds of the drivers of console and entropy, each", rebinds)
    evidence("lines through a console", lines)
    evidence("bits of entropy looked at", 2 * BITS)


def test_console_and_entropy(name, evidence):
    use(machines.A72_V3, name, 20, 300, evidence)


@pytest.mark.long
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_console_and_entropy_long(machine, name, evidence):
    use(machine, name, 1000, 10000, evidence)
