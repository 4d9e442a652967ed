# SPDX-License-Identifier: Apache-2.0
"""Debian's arm64 kernel as a guest: where it is, its initramfs, and the list of warnings that were looked at."""

import os
import re
import subprocess
import sys

import run

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("SRC", os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(SOURCE, "tools"))


def item(name):
    """Path of what tools/bulkhead fetches; fetched now if it is not there yet."""
    from command import fetch
    fetch.fetch([name])
    return str(fetch.item(name))


def kernel():
    return item("linux")


def confined():
    """The kernel for buffers = "bounce" and "grants", which takes minutes to build: a test without it is skipped."""
    import pytest
    from command import fetch
    from command.errors import UserError
    try:
        return str(fetch.item("linux-confined"))
    except UserError as error:
        return pytest.skip(str(error))


MODULES = ["virtio_mmio", "virtio_blk", "virtio_net", "virtio_console", "virtio_rng", "crc32c_generic", "ext4"]


def compile_tool(name):
    """A program for the guest, without a C library."""
    folder = os.path.join(run.WORK, "linux")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    subprocess.run(["clang-19", "--target=aarch64-linux-gnu", "-std=c17", "-O2", "-Wall", "-Wextra", "-Werror",
                    "-ffreestanding", "-fno-builtin", "-fno-pic", "-fno-stack-protector", "-c", "-o", path + ".o",
                    os.path.join(HERE, "linux", name + ".c")], check=True, timeout=60)
    subprocess.run(["ld.lld-19", "-static", "-e", "_start", "-o", path, path + ".o"], check=True, timeout=60)
    return path


def device_ramdisk(name="devices", program="blkcheck", modules=tuple(MODULES)):
    """For a guest with VIRTIO devices: modules (the confined kernel has none) and a program in /test."""
    from pathlib import Path
    from command import initramfs
    path = os.path.join(run.WORK, f"linux-{name}.cpio.gz")
    files = ((f"test/{program}", compile_tool(program)),)
    data = initramfs.build(Path(HERE, "linux", "device-init"), files, list(modules))
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.replace(path + ".new", path)
    return path


def ramdisk():
    """Built once for each folder of work."""
    path = os.path.join(run.WORK, "linux.cpio.gz")
    init = os.path.join(HERE, "linux", "init")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(init):
        from pathlib import Path
        from command import initramfs
        data = initramfs.build(Path(init))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "wb") as f:
            f.write(data)
        os.replace(path + ".new", path)
    return path


def reviewed():
    with open(os.path.join(HERE, "linux", "warnings"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                yield re.compile(line.rstrip("\n").split("\t")[0])


def new_warnings(lines):
    """Warnings among a guest's output lines that nobody has looked at."""
    known = list(reviewed())
    found = [l.split("TEST warning ", 1)[1] for l in lines if "TEST warning " in l]
    return [w for w in found if not any(k.search(w) for k in known)]
