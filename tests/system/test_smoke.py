# SPDX-License-Identifier: Apache-2.0
"""The first thing to run: does a guest start at all, and does the harness report what it should."""

import pytest

import machine as machines
import run
from tree import Domain

HELLO = "test=hello,sgi_hello,smp_hello,unmapped_hello"


@pytest.mark.reference
@machines.parameter()
def test_bare_hello(machine, guest, name):
    with run.bare(machine, guest, HELLO, name) as r:
        assert all(run.finish(r).values())
        r.wait_end(10)


@pytest.mark.reference
def test_failure_is_reported(guest, name):
    with run.bare(machines.A72_V3, guest, "test=must_fail", name) as r:
        with pytest.raises(run.Failure, match="FAIL must_fail: on purpose"):
            run.finish(r)


@machines.parameter()
def test_hello(machine, guest, name):
    with run.hypervisor(machine, [Domain(guest, HELLO, cpus=4)], name) as r:
        assert all(run.finish(r, (1,)).values())
        r.wait_end(10)


@machines.parameter()
def test_two_domains(machine, guest, name):
    with run.hypervisor(machine, [Domain(guest, HELLO, cpus=2), Domain(guest, HELLO, cpus=2)], name) as r:
        assert len(run.finish(r, (1, 2))) == 8
        r.wait_end(10)


@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_domain_of_256_kib(machine, tiny, name):
    figures = {}
    with run.hypervisor(machine, [Domain(tiny, "test=hello,all_ram,sgi", memory=256)], name) as r:
        run.finish(r, (1,), figures)
        assert figures["all_ram.ram"] == 256 * 1024
        r.wait_end(10)
