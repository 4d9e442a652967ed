# SPDX-License-Identifier: Apache-2.0
"""vpl011 and the shared UART: nothing is lost in either direction, and lines keep their domain."""

import random
import re
import string

import pytest

import machine as machines
import run
from tree import Domain

SWITCH = "\x01\x01\x01"


def checksum(text, start=0):
    value = start
    for c in text:
        value = (value * 31 + ord(c)) % 2**32
    return value


def focus(r, domain):
    """Move the input to a domain: Ctrl-A three times until its line says so."""
    for _ in range(6):
        r.send(SWITCH)
        _, match = r.expect(r"[Ii]nput to (DOM)?(\w+)", limit=10)
        if match.group(2) == str(domain):
            return
    r.fail(f"Ctrl-A three times never reaches DOM{domain}")


def check_output(lines, count):
    seen = 0
    for text in lines:
        match = re.match(r"OUT (\d+) (\S+) (\d+)$", text)
        if match:
            assert int(match.group(1)) == seen, f"line {match.group(1)} follows {seen - 1}"
            assert int(match.group(3)) == checksum(match.group(2), seen), f"line {seen} is damaged: {text}"
            seen += 1
    assert seen == count


@pytest.mark.reference
def test_bare_output(guest, name):
    with run.bare(machines.A72_V3, guest, "test=uart_output lines=500", name) as r:
        run.finish(r)
        check_output([l.text for l in r.lines], 500)


@machines.parameter()
def test_output_of_three_domains(machine, guest, name):
    """At full rate, all at once."""
    domains = [Domain(guest, f"test=uart_output lines=1000 seed={i}") for i in range(3)]
    with run.hypervisor(machine, domains, name) as r:
        run.finish(r, (1, 2, 3))
        for domain in (1, 2, 3):
            check_output(r.text_of(domain), 1000)


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
            focus(r, domain)
            r.send(texts[domain] + ".")
        r.rewind()
        run.finish(r, (1, 2), figures)
        for domain in (1, 2):
            assert figures[domain, "uart_input.received"] == 300
            assert figures[domain, "uart_input.sum"] == checksum(texts[domain])


def test_console_keys(guest, name):
    """Ctrl-A three times, then h: the hypervisor lists its keys; nothing that changes state without leave."""
    with run.hypervisor(machines.A72_V3, [Domain(guest, "test=hello end=wait")], name) as r:
        r.expect("DONE")
        for _ in range(4):
            r.send(SWITCH)
            _, match = r.expect(r"[Ii]nput to (DOM)?(\w+)", limit=10)
            if not match.group(1):
                break
        r.send("h")
        r.expect(r"help|keys|domains", limit=10)
