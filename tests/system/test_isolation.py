# SPDX-License-Identifier: Apache-2.0
"""Attempts to leave a compartment, each on the product and on a build without the one check that stops it.

An attempt is blocked if nothing went through, the victims live and the hypervisor says nothing of itself. A control
fires if the same attempt, with the check removed, is seen as the table says: otherwise the attempt proves nothing."""

import dataclasses
import os
import re
import subprocess
import time

import pytest

import machine as machines
import run
import tree
from tree import Domain

SOURCE = os.environ.get("SRC", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
ATTACK = os.path.join(SOURCE, "tests", "attack")
HYPERVISOR_RAM = "base=0x40200000 size=0x200000"
# Where the boot loader's modules end and domains begin on this machine is the hypervisor's choice: all of it is tried.
ALL_RAM = "base=0x58000000 size=0x8000000"


@dataclasses.dataclass(frozen=True)
class Control:
    """A check (the name of the build without it), the attempt that it stops, and how its absence is seen."""

    probe: str
    seen: str = "through"       # the attacker's own figure; victim: one dies or starves; off: the machine goes off
    args: str = ""
    victim: str = "victim"
    cpus: int = 1
    properties: str = ""
    icount: bool = False
    broken_args: str = ""       # more arguments on the build without the check
    limit: int = 20             # seconds until a domain without the check counts as starved
    mem: int = 1024


CONTROLS = {
    "stage2_device": Control("probe_memory", args="base=0x09000000 size=0x10000"),
    "stage2_hypervisor": Control("probe_memory", args=HYPERVISOR_RAM),
    "stage2_neighbour": Control("probe_memory", args=ALL_RAM, mem=512),
    "trap_smc": Control("probe_power", seen="off"),
    "smc_filter": Control("probe_firmware", seen="victim", limit=6),
    "hvc_immediate": Control("probe_immediates", broken_args=" step=64"),
    "cpu_on_check": Control("probe_entries", cpus=2),
    "trap_identification": Control("probe_identification"),
    "trap_debug": Control("probe_debug"),
    "trap_monitors": Control("probe_monitors"),
    "trap_implementation": Control("probe_implementation"),
    "distributor_bound": Control("probe_distributor"),
    "distributor_owner": Control("probe_disable_all", seen="victim", victim="victim_clock"),
    "redistributor_bound": Control("probe_redistributors"),
    "restart_scrub": Control("probe_secret", args="end=reset", properties="bulkhead,restart = <1>;"),
    "fp_switch": Control("fp_kept", seen="victim", args="seed=7 ms=500", victim="fp_kept"),
    "schedule_turn": Control("probe_hog", seen="victim", args="ms=120", icount=True, limit=8),
}
STARVED_US = 60000
totals = {"attempts": 0, "blocked": 0, "fired": 0}


def build(check):
    """The image without that check."""
    image = os.path.join(run.O, f"bulkhead-{check}.img")
    command = ["make", "--no-print-directory", "-f", os.path.join(SOURCE, "Makefile"), f"BREAK={check}", image]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False,
                          env={**os.environ, "O": run.O})
    assert done.returncode == 0, done.stdout + done.stderr
    return image


def on(*places):
    """Affinities of vCPU 0 and so on."""
    return "".join(f'vcpu{v} {{ compatible = "xen,vcpu"; id = <{v}>; hard-affinity = "{p}"; }};'
                   for v, p in enumerate(places))


def kinds_of(control):
    """What the victims run."""
    return {1: control.victim, 3: control.victim if control.victim == "fp_kept" else "victim"}


def domains(control, guest, broken):
    """An attacker (2) between a victim on another pCPU (1) and one on its own (3)."""
    args = {1: "seed=1", 3: "seed=2"}
    length = "ms=1000" if control.victim == "fp_kept" else "ms=60000 until=input"
    tests = kinds_of(control)
    victims = {d: Domain(guest, f"test={tests[d]} {length} {a}", memory=2048, nodes=on(0 if d == 1 else 1))
               for d, a in args.items()}
    if control.victim == "victim_clock":
        blob = os.path.join(run.LOGS, "clock.dtb")
        tree.dtc(os.path.join(ATTACK, "clock.dts"), blob)
        victims[1].partial_tree = blob
    more = control.broken_args if broken else ""
    attacker = Domain(guest, f"test={control.probe} {control.args}{more}", memory=2048, cpus=control.cpus,
                      properties=control.properties, nodes=on(*[1] * control.cpus))
    return [victims[1], attacker, victims[3]]


def finished(r, domain):
    return any(l.domain is None and f"DOM{domain} " in l.text and "stays stopped" in l.text for l in r.lines)


def passed(r, domain):
    return any(l.domain == domain and l.text.startswith("PASS ") for l in r.lines)


def figure(r, domain, name):
    """The sum of a domain's figures of that name; None if it never said one."""
    said = [re.fullmatch(rf"FIG \S+\.{name} (\d+)", l.text) for l in r.lines if l.domain == domain]
    return sum(int(m.group(1)) for m in said if m) if any(said) else None


def release(r, end):
    """The victims may stop now: one after the other, since moving the input cuts a line that is being written."""
    r.send("q")
    while not finished(r, 1) and time.monotonic() < end and r.pump(0.1):
        pass
    r.focus(3)
    r.send("q")


def outcome(control, guest, name, image=None):
    """What is seen of one attempt: {"attempts", "through", "victim", "off", "panic"}."""
    machine = dataclasses.replace(machines.A72_V3, smp=2, mem=control.mem)
    if control.icount:
        machine = dataclasses.replace(machine, cpu="cortex-a72,cntfrq=1000000000", icount="shift=0,sleep=off")
    with run.hypervisor(machine, domains(control, guest, image is not None), name, image=image) as r:
        r.expect("GUEST start", domain=1, limit=30)
        end = time.monotonic() + (40 if image is None else control.limit) * run.PATIENCE
        released = control.victim == "fp_kept"      # ends by itself
        while time.monotonic() < end and not all(finished(r, d) for d in (1, 2, 3)):
            if not r.pump(0.1):
                break
            if not released and finished(r, 2):
                released = True
                try:
                    release(r, min(end, time.monotonic() + 5 * run.PATIENCE))
                except (run.Failure, OSError):
                    break
        same = control.probe == control.victim      # attacker and victim are of one kind
        slow = [figure(r, d, "slowest_us") for d in (1, 3) if kinds_of(control)[d] == "victim" and passed(r, d)]
        victims = (passed(r, 1) and passed(r, 3) and (passed(r, 2) or not same) and
                   all(s is not None and s < STARVED_US * (1 if control.icount else 100) for s in slow))
        return {"attempts": max(figure(r, 2, "attempts") or 0, 1), "through": figure(r, 2, "through") or 0,
                "victim": not victims,
                "off": r.ended and not (passed(r, 1) and passed(r, 3)),
                "panic": any(l.domain is None and "panic" in l.text.lower() for l in r.lines)}


@pytest.mark.line_01_4
@pytest.mark.parametrize("check", list(CONTROLS))
def test_control(check, guest, name, evidence):
    control = CONTROLS[check]
    got = outcome(control, guest, name)
    assert not (got["through"] or got["victim"] or got["off"] or got["panic"]), f"{check}: not blocked: {got}"
    broken = outcome(control, guest, name + "-broken", build(check))
    assert broken[control.seen] or broken["panic"], f"{check}: with the check removed nothing is seen: {broken}"
    for key, value in (("attempts", got["attempts"]), ("blocked", got["attempts"] - got["through"]), ("fired", 1)):
        totals[key] += value
    evidence("attempts", got["attempts"])
    evidence("blocked", got["attempts"] - got["through"])
    evidence("control fired", f"{control.seen} {broken[control.seen]}")


@pytest.mark.line_01_4
def test_controls_together(evidence):
    """The sum of the above."""
    evidence("attempts", totals["attempts"])
    evidence("blocked", totals["blocked"])
    evidence("controls fired", f"{totals['fired']} of {len(CONTROLS)}")
    assert totals["attempts"] == totals["blocked"]


ROUNDS = 1000
# Instructions until the victim's handler. Alone on its pCPU: the path of the interrupt and, on the pCPU that serves the
# UART, the bursts of a line. On a shared one: the attacker's exit, the switch, and those bursts.
LONGEST = {False: 6000, True: 9000}
# At EL2 between two looks at interrupts, waiting for locks left out.
BLIND = 3000

# A static event channel from the attacker's port 9 to the victim.
BELL = 'b{0}: bell {{ compatible = "xen,evtchn-v1"; xen,evtchn = <{1} &b{2}>; }};'


def delay(guest, name, shared, rounds=ROUNDS, image=None):
    """Own-pCPU instructions from a timer deadline of the victim to its handler: {"taken", "mean", "max", "blind"}."""
    out = os.path.join(run.LOGS, f"{name}.delay")
    plugin = os.path.join(run.O, "tests", "delay.so")
    os.makedirs(run.LOGS, exist_ok=True)
    if os.path.exists(out):
        os.remove(out)
    machine = machines.Machine(cpu="cortex-a72,cntfrq=1000000000", gic=3, smp=2, icount="shift=0,sleep=off",
                               options=("-plugin", f"{plugin},out={out}"))
    places = (0, 1) if shared else (1,)
    victim = Domain(guest, f"test=neighbour rounds={rounds} sleep={int(shared)} end=wait", memory=2048,
                    nodes=on(0) + BELL.format(1, 5, 2), properties="bulkhead,priority = <200>;")
    attacker = Domain(guest, "test=storm times=200 end=reset", memory=2048, cpus=len(places),
                      nodes=on(*places) + BELL.format(2, 9, 1), properties="bulkhead,restart = <0xffffffff>;")
    with run.hypervisor(machine, [victim, attacker], name, limit=300, image=image) as r:
        r.expect(f"FIG neighbour.rounds {rounds}", domain=1, refuse="FAIL")
        storms = sum(l.domain == 2 and "PASS storm" in l.text for l in r.lines)
    with open(out, encoding="ascii") as f:
        words = f.read().split()
    return {**{words[i]: int(words[i + 1]) for i in range(0, len(words), 2)}, "storms": storms}


@pytest.mark.line_01_4
@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
def test_delay(shared, guest, name, evidence):
    """The attacker does its worst, beside the victim and on its pCPU; the control is a lock held at its will."""
    got = delay(guest, name, shared)
    control = delay(guest, name + "-broken", shared, ROUNDS // 5, build("long_lock"))
    evidence("interrupts", got["taken"])
    evidence("instructions, mean", got["mean"])
    evidence("instructions, maximum", got["max"])
    evidence("most at EL2 between two looks at interrupts", got["blind"])
    evidence("maximum with a lock held over the guest's loop", control["max"])
    assert got["taken"] == ROUNDS, got
    assert got["storms"] > 0, "the attacker never got through its storms"
    assert got["max"] <= LONGEST[shared] and got["blind"] <= BLIND, f"{got}"
    assert control["max"] > 2 * got["max"] and control["mean"] > 4 * got["mean"], f"the lock is not seen: {control}"
