# SPDX-License-Identifier: Apache-2.0
"""Grants between two domains: rights, revocation under a map, and what is left when either of them restarts."""

import pytest

import machine as machines
import run
from tree import Domain

ENHANCED = 'xen,enhanced = "no-xenstore"; bulkhead,restart = <0xffffffff>;'


@pytest.mark.line_03_1
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_grants(machine, guest, name, evidence):
    domains = [Domain(guest, f"test=grant_{who} end=wait", memory=4096, properties=ENHANCED)
               for who in ("granter", "mapper")]
    with run.hypervisor(machine, domains, name) as r:
        for domain in (1, 2):
            r.expect(r"DOM%d asked for a reset, restarting" % domain, domain=None, limit=120, refuse="FAIL")
        for domain, who in ((1, "granter"), (2, "mapper")):
            r.rewind()
            r.expect(rf"PASS grant_{who}", domain=domain, limit=60, refuse="FAIL")
        figures = {l.text.split()[1]: int(l.text.split()[2]) for l in r.lines if l.text.startswith("FIG grant_granter")}
    assert figures["grant_granter.revoked"] > 1000 and figures["grant_granter.in_use"] > 0
    evidence("maps of a page that is being revoked", 2000)
