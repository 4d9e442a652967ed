# SPDX-License-Identifier: Apache-2.0
"""vpl011 and the shared UART: nothing is lost in either direction, and lines keep their domain."""

import random
import string

import pytest

import machine as machines
import run
from tree import Domain


def checksum(text, start=0):
    value = start
    for c in text:
        value = (value * 31 + ord(c)) % 2**32
    return value


def guest_lines(count, seed):
    """What the guest's uart_output test writes (same generator)."""
    state = 31337 + seed

    def rnd():
        nonlocal state
        state ^= state << 13 & (2**64 - 1)
        state ^= state >> 7
        state ^= state << 17 & (2**64 - 1)
        return state >> 16 & 0xffffffff

    for i in range(count):
        length = 20 + rnd() % 40
        text = "".join(chr(ord("!") + rnd() % 90) for _ in range(length))
        yield f"OUT {i} {text} {checksum(text, i)}"


def check_output(lines, count, seed=0):
    """Every character in order; a console may break a line in two, which is counted. Returns the breaks."""
    got, want = "".join(lines), "".join(guest_lines(count, seed))
    if want not in got:
        start = got.find("OUT 0 ")
        at = next((i for i, (a, b) in enumerate(zip(got[max(start, 0):], want)) if a != b), -1)
        raise run.Failure(f"output differs at character {at}: ...{got[start + at - 30:start + at + 20]!r}, "
                          f"expected ...{want[at - 30:at + 20]!r}")
    whole = set(lines)
    return sum(line not in whole for line in guest_lines(count, seed))


@pytest.mark.reference
def test_bare_output(guest, name):
    with run.bare(machines.A72_V3, guest, "test=uart_output lines=500", name) as r:
        run.finish(r)
        assert check_output([l.text for l in r.lines], 500) == 0


@machines.parameter()
def test_output_of_three_domains(machine, guest, name):
    """At full rate, all at once."""
    domains = [Domain(guest, f"test=uart_output lines=1000 seed={i}") for i in range(3)]
    with run.hypervisor(machine, domains, name) as r:
        run.finish(r, (1, 2, 3))
        for domain in (1, 2, 3):
            check_output(r.text_of(domain), 1000, domain - 1)


@machines.parameter()
def test_input_to_each_domain(machine, guest, name):
    domains = [Domain(guest, "test=uart_input"), Domain(guest, "test=uart_input")]
    with run.hypervisor(machine, domains, name) as r:
        r.expect("READY for input", domain=1)
        r.rewind()
        r.expect("READY for input", domain=2)
        figures = {}
        rng = random.Random(7)
        texts = {d: "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(300)) for d in (1, 2)}
        for domain in (1, 2):
            r.focus(domain)
            r.send(texts[domain] + ".")
            r.expect("^DONE", domain=domain)    # moving the input cuts a line that is being written
        r.rewind()
        run.finish(r, (1, 2), figures)
        for domain in (1, 2):
            assert figures[domain, "uart_input.received"] == 300
            assert figures[domain, "uart_input.sum"] == checksum(texts[domain])


def test_console_keys(guest, name):
    """Ctrl-A three times to the hypervisor, then h: it lists its keys; none that changes state without leave."""
    with run.hypervisor(machines.A72_V3, [Domain(guest, "test=hello end=wait")], name) as r:
        r.expect("DONE")
        r.focus(0)
        r.send("h")
        line, _ = r.expect(r"h: this list", limit=10)
        assert "crash" not in line.text
        r.send("q")
        r.expect(r"DOM1", limit=10)
