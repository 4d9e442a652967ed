# SPDX-License-Identifier: Apache-2.0
"""PROFILE=static: the image without driver domains starts domains, and refuses a tree that wants one."""

import os
import subprocess

import pytest

import linux
import machine as machines
import run
import tree
from tree import Domain


@pytest.fixture(scope="module")
def image():
    out = os.path.join(run.O, "tests", "static")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", "-s", "-f", os.path.join(linux.SOURCE, "Makefile"), f"O={out}", "PROFILE=static",
                           os.path.join(out, "bulkhead.img")], env=environment, capture_output=True, text=True,
                          timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return os.path.join(out, "bulkhead.img")


@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_static(machine, image, guest, name):
    """It is smaller, and starts domains."""
    assert os.path.getsize(image) < os.path.getsize(os.path.join(run.O, "bulkhead.img"))
    with run.hypervisor(machine, [Domain(guest, "test=hello", cpus=2)], name, image=image) as r:
        assert all(run.finish(r, (1,)).values())


def test_static_refuses(image, guest, name):
    backend = Domain(guest, "test=hello", name="backend")
    frontend = Domain(guest, "test=hello", nodes=tree.virtio(0x2000000, "backend", "entropy"))
    with run.hypervisor(machines.A72_V3, [backend, frontend], name, image=image) as r:
        r.expect(r"error: .*virtio@2000000.*: this image was built without driver domains", domain=None, limit=20)
