# SPDX-License-Identifier: Apache-2.0
"""Debian's U-Boot starts the set that `bulkhead image` wrote: disk, boot.scr, caches on until booti."""

import os
import shutil
import subprocess

import pytest

import linux
import run

EXAMPLE = os.path.join(linux.SOURCE, "examples", "two-linux")
OUT = os.path.join(run.O, "tests", "uboot")
BOARDS = {"cortex-a72": "virt,virtualization=on,gic-version=3",
          "cortex-a53": "virt,virtualization=on,gic-version=2"}


def description(cpu):
    """The example's folder, or a copy of it for another board."""
    if cpu == "cortex-a72":
        return EXAMPLE
    folder = os.path.join(OUT, f"two-linux-{cpu}")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    shutil.copy(os.path.join(EXAMPLE, "init"), folder)
    with open(os.path.join(EXAMPLE, "system.toml"), encoding="utf-8") as f:
        text = f.read()
    with open(os.path.join(folder, "system.toml"), "w", encoding="utf-8") as f:
        f.write(text.replace("cortex-a72", cpu).replace(BOARDS["cortex-a72"], BOARDS[cpu]))
    return folder


@pytest.mark.line_01_1
@pytest.mark.parametrize("cpu", list(BOARDS))
def test_two_linux_under_uboot(cpu, name, evidence):
    from command import fetch
    uboot = str(fetch.item("u-boot"))
    folder, disk = os.path.join(OUT, f"set-{cpu}"), os.path.join(OUT, f"disk-{cpu}.img")
    os.makedirs(OUT, exist_ok=True)
    done = subprocess.run([os.path.join(linux.SOURCE, "tools", "bulkhead"), "image", description(cpu),
                           "--unattended", "-o", folder, "--disk", disk], capture_output=True, text=True,
                          timeout=180, check=False, env={**os.environ, "O": run.O})
    assert done.returncode == 0, done.stdout + done.stderr
    # No -kernel, no -dtb, no loader device: all that runs comes through U-Boot.
    args = ["qemu-system-aarch64", "-nographic", "-nodefaults", "-monitor", "none", "-serial", "stdio",
            "-machine", BOARDS[cpu], "-cpu", cpu, "-smp", "4", "-m", "2G", "-bios", uboot,
            "-drive", f"if=none,id=disk,format=raw,readonly=on,file={disk}",
            "-device", "virtio-blk-device,drive=disk"]
    with run.Run(args, name, limit=240) as r:
        r.expect(r"^U-Boot 20", limit=30)
        r.expect(r"Found U-Boot script /boot.scr", limit=60)
        r.expect(r"Starting kernel", limit=60)
        evidence("seconds in U-Boot", round(r.elapsed, 1))
        r.expect(r"Bulkhead \d.*4 CPUs, GICv", limit=30, refuse="the boot stops here")
        mark = r.mark()
        for dom in (1, 2):
            r.rewind(mark)
            r.expect(rf"linux{dom}: Linux 6\.1.*, 2 CPUs", domain=dom, limit=120, refuse="Kernel panic")
            r.expect(rf"linux{dom}: check passed on 2 of 2 CPUs", domain=dom, limit=60)
        r.rewind(mark)
        r.expect(r"heartbeat 1: up", domain=3, limit=30)
        evidence("seconds to both banners and checks", round(r.elapsed, 1))
