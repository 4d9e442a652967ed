# SPDX-License-Identifier: Apache-2.0
"""Every example starts, does what its README says and ends by itself; the same set starts under U-Boot."""
import re
import subprocess

from command import fetch, paths

LIMIT = 400
BULKHEAD = str(paths.SOURCE / "tools/bulkhead")


def check_two_linux(text):
    for host in ("DOM1: linux1", "DOM2: linux2"):
        assert f"{host}: Linux 6.1" in text and f"{host}: check passed on 2 of 2 CPUs" in text
        assert f"{host}: powering off" in text
    beats = [int(beat) for beat in re.findall(r"^DOM3: heartbeat (\d+): up", text, re.M)]
    assert beats == list(range(1, len(beats) + 1)) and len(beats) == 6
    assert text.rstrip().endswith("(BH) all domains have stopped: power off")


def ended(command, log, **options):
    """Run a command with a limit; its output, which is also kept in a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=LIMIT,
                                check=False, **options).returncode
    text = log.read_text(errors="replace").replace("\r", "")
    assert status == 0, f"status {status}, see {log}: {text[-500:]}"
    return text


def test_two_linux():
    log = paths.output() / "tests/logs/two-linux.log"
    check_two_linux(ended([BULKHEAD, "run", str(paths.SOURCE / "examples/two-linux"), "-o",
                           str(paths.output() / "tests/two-linux")], log))


def test_two_linux_under_u_boot(tmp_path):
    disk = tmp_path / "disk.img"
    subprocess.run([BULKHEAD, "image", str(paths.SOURCE / "examples/two-linux"), "--unattended", "-o",
                    str(tmp_path / "set"), "--disk", str(disk)], check=True, stdout=subprocess.DEVNULL)
    text = ended(["qemu-system-aarch64", "-machine", "virt,virtualization=on,gic-version=3", "-cpu", "cortex-a72", "-smp", "4",
                  "-m", "2048M", "-display", "none", "-nodefaults", "-serial", "stdio", "-bios", str(fetch.item("u-boot")),
                  "-drive", f"file={disk},format=raw,if=none,id=d", "-device", "virtio-blk-device,drive=d"],
                 paths.output() / "tests/logs/two-linux-u-boot.log")
    assert "U-Boot" in text and "Found U-Boot script /boot.scr" in text
    check_two_linux(text)
