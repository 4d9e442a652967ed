# SPDX-License-Identifier: Apache-2.0
"""What a crash of a driver domain costs, in instructions: the pause that its frontend sees, and the delay of a
neighbour's timer meanwhile."""

import os
import re

import pytest

import machine as machines
import ring
import run
from test_isolation import LONGEST, on
from tree import Domain

pytestmark = pytest.mark.line_04_2
COUNTED = machines.Machine(cpu="cortex-a72,cntfrq=1000000000", gic=3, smp=3, icount="shift=0,sleep=off")
ROUNDS = 500
MASKED = 5000   # instructions at EL2 between two looks at interrupts: the aim of worst_exit_seen
GAP_US = 100    # longer than what lies between two answers without a crash
PAUSE = 3000000  # ticks of 1 ns, which are instructions here
DIES = "mean=40 least=1 kind=0"


def place(domain, cpu):
    domain.nodes += on(cpu)
    return domain


@pytest.mark.parametrize("deaths", [20, pytest.param(1000, marks=pytest.mark.long)])
def test_pause(deaths, name, evidence):
    """Both sleep when they have nothing to do: the time between two answers is what is executed in between."""
    domains = [place(ring.backend(DIES, disk=False), 0), place(ring.frontend(f"gap={GAP_US} report=0"), 1)]
    pauses = []
    with run.hypervisor(COUNTED, domains, name, limit=60 + deaths) as r:
        for _ in range(deaths):
            r.expect("^dies behind", domain=1, limit=60)
            _, m = r.expect(r"RING pause (\d+) ticks", domain=2, limit=60, refuse=ring.WRONG)
            pauses.append(int(m.group(1)))
        assert not ring.wrong(r)
    pauses.sort()
    median, worst = pauses[len(pauses) // 2], pauses[-1]
    evidence("crashes", deaths)
    evidence("pause in instructions, median and worst", f"{median}, {worst}")
    evidence("pause in virtual ms, median and worst", f"{median / 1e6:.3f}, {worst / 1e6:.3f}")
    assert worst <= PAUSE


@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
def test_neighbour(shared, guest, name, evidence):
    """The delay of a neighbour's timer on a pCPU of its own, or on that of the driver domain."""
    out = os.path.join(run.LOGS, f"{name}.delay")
    os.makedirs(run.LOGS, exist_ok=True)
    if os.path.exists(out):
        os.remove(out)
    plugin = os.path.join(run.O, "tests", "delay.so")
    machine = machines.Machine(cpu=COUNTED.cpu, gic=3, smp=3, icount=COUNTED.icount,
                               options=("-plugin", f"{plugin},out={out}"))
    neighbour = Domain(guest, f"test=neighbour rounds={ROUNDS} sleep=1 end=wait", memory=2048,
                       nodes=on(0 if shared else 2), properties="bulkhead,priority = <220>;")
    backend = place(ring.backend(DIES.replace("least=1", "least=0"), disk=False), 0)
    domains = [backend, place(ring.frontend("report=0"), 1), neighbour]
    with run.hypervisor(machine, domains, name, limit=200) as r:
        r.expect(f"FIG neighbour.rounds {ROUNDS}", domain=3, refuse="FAIL")
        deaths = sum(re.match("dies behind", text) is not None for text in r.text_of(1))
        assert not ring.wrong(r)
    with open(out, encoding="ascii") as f:
        words = f.read().split()
    got = {words[i]: int(words[i + 1]) for i in range(0, len(words), 2)}
    evidence("crashes meanwhile", deaths)
    evidence("interrupts; instructions of delay, mean and maximum", f"{got['taken']}; {got['mean']}, {got['max']}")
    evidence("most at EL2 between two looks at interrupts", got["blind"])
    assert deaths >= 5 and got["taken"] == ROUNDS
    assert got["max"] <= LONGEST[shared] and got["blind"] <= MASKED, f"{got}"
