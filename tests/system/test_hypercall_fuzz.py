# SPDX-License-Identifier: Apache-2.0
"""Typed hypercalls of two domains with two vCPUs each, with the model of the guest ABI beside them, while a third
domain measures how long its timer interrupt takes.

The model (tests/model) was written from the ABI; it agrees after every call, or the machine stops with the number of
the call. That it finds faults is shown on the host (tests/fuzz/hypercall_faults.py)."""

import dataclasses
import os
import subprocess

import pytest

import machine as machines
import run
from tree import Domain

SOURCE = os.environ.get("SRC", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
pytestmark = pytest.mark.line_03_3
LIMITS = "max_grant_frames = <4>; max_maptrack_frames = <1>; bulkhead,max-evtchn-port = <95>;"


def make(*targets):
    command = ["make", "--no-print-directory", "-f", os.path.join(SOURCE, "Makefile"), *targets]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False,
                          env={**os.environ, "O": run.O})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def checked_image():
    image = os.path.join(run.O, "bulkhead-checked.img")
    make(image)
    return image


def on(*places):
    return "".join(f'vcpu{v} {{ compatible = "xen,vcpu"; id = <{v}>; hard-affinity = "{p}"; }};'
                   for v, p in enumerate(places))


# Own-pCPU instructions from a timer deadline to its handler, as in test_isolation.py for a pCPU of one's own.
LONGEST = 15000


def domains(guest, seed, times, rounds):
    """Two that call, and one that measures, each vCPU on a pCPU of its own."""
    fuzzers = [Domain(guest, f"test=hypercalls self={d} seed={seed} times={times} ports=95 frames=4 end=wait",
                      memory=4096, cpus=2, properties=LIMITS, nodes=on(2 * d - 2, 2 * d - 1)) for d in (1, 2)]
    return fuzzers + [Domain(guest, f"test=neighbour rounds={rounds} sleep=1 end=wait", memory=2048, nodes=on(4))]


def fuzz(guest, name, seed, times, rounds, limit):
    """{"checked": calls, "succeeded": of them, "taken": timer interrupts of the third domain, "max": the latest}."""
    out = os.path.join(run.LOGS, f"{name}.delay")
    os.makedirs(run.LOGS, exist_ok=True)
    if os.path.exists(out):
        os.remove(out)
    plugin = os.path.join(run.O, "tests", "delay.so")
    machine = dataclasses.replace(machines.A72_V3, cpu="cortex-a72,cntfrq=1000000000", smp=5,
                                  icount="shift=0,sleep=off", options=("-plugin", f"{plugin},out={out}"))
    waiting = {(1, "FIG hypercalls.checked"), (2, "FIG hypercalls.checked"), (3, "FIG neighbour.rounds")}
    with run.hypervisor(machine, domains(guest, seed, times, rounds), name, limit=limit, image=checked_image()) as r:
        while waiting:
            line, match = r.expect("MISMATCH|FAIL|panic|" + "|".join(w for _, w in waiting))
            if not match.group(0).startswith("FIG"):
                r.pump(1)
                r.fail(f"seed {seed}: " + "; ".join(l.text for l in r.lines[r.lines.index(line):][:2]))
            waiting.discard((line.domain, match.group(0)))
        figures = [l.text.split()[1:] for l in r.lines if l.domain and l.text.startswith("FIG hypercalls.")]
    with open(out, encoding="ascii") as f:
        words = f.read().split()
    delays = {words[i]: int(words[i + 1]) for i in range(0, len(words), 2)}
    return {"checked": max(int(v) for k, v in figures if k.endswith(".checked")),
            "succeeded": sum(int(v) for k, v in figures if k.endswith(".succeeded")), **delays}


def judge(got, calls, evidence):
    for key, text in (("checked", "calls, model and hypervisor agree after each"), ("succeeded", "of them successful"),
                      ("taken", "timer interrupts of a neighbour"), ("mean", "instructions to its handler, mean"),
                      ("max", "instructions to its handler, maximum")):
        evidence(text, got[key])
    assert got["checked"] >= calls, got
    assert got["succeeded"] > got["checked"] / 3, got
    assert got["max"] <= LONGEST, got


def test_agreement(guest, name, evidence):
    """A million calls. The model's faults and the unchanged source on the host: tests/fuzz/hypercall_faults.py."""
    judge(fuzz(guest, name, 1, 310000, 20000, 13000), 1000000, evidence)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 22))
def test_agreement_long(seed, guest, name, evidence):
    """Twenty times a million calls."""
    judge(fuzz(guest, name, seed, 310000, 20000, 13000), 1000000, evidence)
