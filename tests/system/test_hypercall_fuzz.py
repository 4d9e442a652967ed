# SPDX-License-Identifier: Apache-2.0
"""Typed hypercalls of two domains with two vCPUs each, with the model of the guest ABI beside them, while a third domain
measures how long its timer interrupt takes.

The model (tests/model) was written from the ABI; it agrees after every call, or the machine stops with the number of the
call. That it finds faults is shown on the host, where each is one change to the hypervisor's source."""

import dataclasses
import os
import subprocess

import pytest

import machine as machines
import run
from tree import Domain

SOURCE = os.environ.get("SRC", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
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


def fuzzers(guest, seed, times):
    return [Domain(guest, f"test=hypercalls self={d} seed={seed} times={times} ports=95 frames=4", memory=4096, cpus=2,
                   properties=LIMITS, nodes=on(2 * d - 2, 2 * d - 1)) for d in (1, 2)]


def fuzz(guest, name, seed, times, limit, machine=machines.A72_V3, image=None):
    """{"checked": calls, "succeeded": of them}."""
    machine = dataclasses.replace(machine, smp=4)
    with run.hypervisor(machine, fuzzers(guest, seed, times), name, limit=limit, image=image or checked_image()) as r:
        for domain in (1, 2):
            r.expect(r"FIG hypercalls.checked (\d+)", domain=domain, refuse="MISMATCH|FAIL")
        figures = {(l.domain, l.text.split()[1]): int(l.text.split()[2]) for l in r.lines
                   if l.domain and l.text.startswith("FIG ")}
    return {"checked": max(v for (_, k), v in figures.items() if k == "hypercalls.checked"),
            "succeeded": sum(v for (_, k), v in figures.items() if k == "hypercalls.succeeded")}


@pytest.mark.parametrize("seed", [1])
def test_agreement(seed, guest, name, evidence):
    """A million calls."""
    got = fuzz(guest, name, seed, 310000, 900)
    evidence("calls", got["checked"])
    evidence("of them successful", got["succeeded"])
    assert got["checked"] >= 1000000, got
    assert got["succeeded"] > got["checked"] / 3, got
