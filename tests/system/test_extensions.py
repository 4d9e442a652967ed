# SPDX-License-Identifier: Apache-2.0
"""Extensions: they serve accesses, what they try ends in their own crash record, and nobody else notices."""

import dataclasses
import os
import re

import pytest

import machine as machines
import run
import tree
from test_isolation import SOURCE, build
from tree import Domain, Extension

pytestmark = pytest.mark.line_05_1
ALL = (*machines.MATRIX, machines.N1_V3)
# Microseconds: the machine that runs the tests may stop for long.
PATIENT = "bulkhead,budget-us = <1000000>;"
ALWAYS = "bulkhead,restart = <0xffffffff>;"


def elf(name):
    return os.path.join(run.O, "extensions", name + ".elf")


def device(name, label, properties=PATIENT):
    return Extension(elf(name), label, properties)


def panics(r):
    """Lines of a hypervisor that has given up."""
    return [l.text for l in r.lines if l.domain is None and "panic" in l.text.lower()]


@machines.parameter(*ALL)
def test_devices(machine, guest, name):
    """hello and counter serve two domains, one each of counter; one vCPU of four at a time is served."""
    spi = PATIENT + " bulkhead,interrupts = <40>;"
    first = Domain(guest, "test=extension_hello,extension_counter,extension_smp", cpus=4,
                   nodes=tree.mmio(0x2100000, "greet") + tree.mmio(0x2200000, "one", 0x10))
    second = Domain(guest, "test=extension_counter,hello", nodes=tree.mmio(0x2200000, "two", 0x10))
    extensions = [device("hello", "greet"), device("counter", "one", spi), device("counter", "two", spi)]
    with run.hypervisor(machine, [first, second], name, extensions=extensions) as r:
        run.finish(r, (1, 2))
        r.wait_end(10)
        text = [l.text for l in r.lines if l.domain is None]
    assert any("DOM1 extension greet: hello" in line for line in text)
    assert any("DOM2 extension two: counter, life 0x1" in line for line in text)


@pytest.mark.line_05_2
@machines.parameter(*ALL)
def test_escape(machine, guest, name, evidence):
    """Every attempt ends that life of the extension and nothing else. Another domain shares the pCPU."""
    machine = dataclasses.replace(machine, smp=1)
    figures = {}
    victim = Domain(guest, "test=victim,hello ms=2000")
    hostile = Domain(guest, "test=extension_escape,hello", nodes=tree.mmio(0x2300000, "escape"))
    # an endless loop costs its budget in full: here all that other tests give for patience would be waited for
    extension = device("escape", "escape", "bulkhead,budget-us = <100000>;" + ALWAYS)
    with run.hypervisor(machine, [victim, hostile], name, extensions=[extension], limit=90) as r:
        results = run.finish(r, (1, 2), figures)
        r.wait_end(10)
        assert not panics(r)
        records = [l.text for l in r.lines if l.domain is None and "DOM2 extension escape: " in l.text]
    assert results[1, "victim"] and results[2, "extension_escape"]
    attempts = figures[2, "extension_escape.attempts"]
    assert figures[2, "extension_escape.held"] == attempts >= 70
    assert sum("restarting" in text for text in records) == attempts
    evidence("attempts", attempts)
    evidence("held", figures[2, "extension_escape.held"])


@pytest.mark.line_05_2
def test_last_life(guest, name):
    """Without restarts its domain crashes with it; the other goes on. The domain's restart begins a new life."""
    hostile = Domain(guest, "test=extension_last", properties="bulkhead,restart = <1>;",
                     nodes=tree.mmio(0x2300000, "escape"))
    with run.hypervisor(machines.A72_V3, [hostile, Domain(guest, "test=victim,hello ms=300")], name,
                        extensions=[device("escape", "escape")]) as r:
        r.expect(r"DOM1 extension escape: fault in life 1,.* stays stopped", domain=None)
        r.expect(r"DOM1 crashed, restarting", domain=None)
        r.expect(r"DOM1 extension escape: fault in life 2,.* stays stopped", domain=None)
        r.expect(r"DOM1 crashed, stays stopped", domain=None)
        r.rewind()
        r.expect(r"DONE passed=2", domain=2)
        r.wait_end(10)


def read(*names):
    with open(os.path.join(SOURCE, *names), encoding="utf-8") as f:
        return f.read()


def number_of(attempt):
    """Of an attempt by the name of its instruction, or of the first bad call of that name. In escape.c the instructions
    follow the attempts that have numbers of their own, and the bad calls of negative.h follow them."""
    text = read("tests", "extensions", "escape.c")
    own = len(re.findall(r"\{\w+, [^{}]*BH_EXT_END_\w+\}",
                         re.search(r"attempts\[\] = \{(.*?)#define ONE", text, re.S).group(1)))
    block = re.search(r"#define INSTRUCTIONS\(x\)(.*?)INSTRUCTIONS\(INSTR", text, re.S).group(1)
    instructions = re.findall(r"x\([\s\\]*(\w+),[\s\\]*\"", block)
    calls = re.findall(r"x\((\w+), \d", read("tests", "extensions", "negative.h"))
    if attempt in instructions:
        return own + instructions.index(attempt)
    return own + len(instructions) + calls.index(attempt)


# The attempt that comes back without the check: its number, or the name of an instruction.
CONTROLS = {"extension_text": 14, "extension_data": 17, "extension_core": 0, "extension_fp": "fp",
            "extension_counter": "cntvct", "extension_argument": "VCPU_WRITE"}
SHORT = ("extension_text", "extension_argument")


@pytest.mark.line_05_2
@pytest.mark.parametrize("check", [c if c in SHORT else pytest.param(c, marks=pytest.mark.long) for c in CONTROLS])
def test_control(check, guest, name, evidence):
    """With one check less that attempt comes back."""
    number = CONTROLS[check] if isinstance(CONTROLS[check], int) else number_of(CONTROLS[check])
    figures = {}
    hostile = Domain(guest, f"test=extension_escape first={number} last={number}",
                     nodes=tree.mmio(0x2300000, "escape"))
    with run.hypervisor(machines.A72_V3, [hostile], name, extensions=[device("escape", "escape", PATIENT + ALWAYS)],
                        image=build(check)) as r:
        run.finish(r, (1,), figures)
    assert figures["extension_escape.through"] == 1
    evidence("went through", 1)
