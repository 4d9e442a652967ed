# SPDX-License-Identifier: Apache-2.0
"""Debian's U-Boot starts the set that `bulkhead image` wrote: its disk, its boot.scr, caches on until booti."""

import os
import subprocess

import pytest

import linux
import run

EXAMPLE = os.path.join(linux.SOURCE, "examples", "two-linux")


@pytest.mark.line_01_1
def test_two_linux_under_uboot(name, evidence):
    from command import fetch
    uboot = str(fetch.item("u-boot"))
    folder, disk = os.path.join(run.O, "tests", "uboot", "set"), os.path.join(run.O, "tests", "uboot", "disk.img")
    done = subprocess.run([os.path.join(linux.SOURCE, "tools", "bulkhead"), "image", EXAMPLE, "--unattended",
                           "-o", folder, "--disk", disk], capture_output=True, text=True, timeout=180, check=False,
                          env={**os.environ, "O": run.O})
    assert done.returncode == 0, done.stdout + done.stderr
    # No -kernel, no -dtb, no loader device: all that runs comes through U-Boot.
    args = ["qemu-system-aarch64", "-nographic", "-nodefaults", "-monitor", "none", "-serial", "stdio",
            "-machine", "virt,virtualization=on,gic-version=3", "-cpu", "cortex-a72", "-smp", "4", "-m", "2G",
            "-bios", uboot, "-drive", f"if=none,id=disk,format=raw,readonly=on,file={disk}",
            "-device", "virtio-blk-device,drive=disk"]
    with run.Run(args, name, limit=240) as r:
        r.expect(r"^U-Boot 20", limit=30)
        r.expect(r"Found U-Boot script /boot.scr", limit=60)
        r.expect(r"Starting kernel", limit=60)
        loaded = r.elapsed
        r.expect(r"Bulkhead \d.*4 CPUs, GICv3", limit=30, refuse="the boot stops here")
        mark = r.mark()
        for dom in (1, 2):
            r.rewind(mark)
            r.expect(rf"linux{dom}: Linux 6\.1.*, 2 CPUs", domain=dom, limit=120, refuse="Kernel panic")
            r.expect(rf"linux{dom}: check passed on 2 of 2 CPUs", domain=dom, limit=60)
        r.rewind(mark)
        r.expect(r"heartbeat 1: up", domain=3, limit=30)
        evidence("seconds in U-Boot", round(loaded, 1))
        evidence("seconds to both shells", round(r.elapsed, 1))
        # Unattended, each powers off after a while without input; nothing is left to see then.
        for dom in (1, 2):
            r.rewind(mark)
            r.expect(rf"DOM{dom} powered off", limit=60)
