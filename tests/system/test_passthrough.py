# SPDX-License-Identifier: Apache-2.0
"""Devices of QEMU's virt board: used by a Linux, absent for others, reset when their owner restarts."""

import dataclasses
import hashlib
import json
import os
import re
import shlex
import socket
import subprocess
import time
from pathlib import Path

import pytest

import linux
import machine as machines
import run
import tree
from tree import Domain

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "devices")
EXAMPLE = os.path.join(linux.SOURCE, "examples", "passthrough")
OUT = os.path.join(run.O, "tests", "devices")
STATIC = ("direct-map; #xen,static-mem-address-cells = <2>; #xen,static-mem-size-cells = <2>; "
          "xen,static-mem = <{} {}>;")
BASE = 0x60000000   # of static memory; the modules lie below


def partial(name):
    """The blob of a partial tree of the example, or of devices/."""
    os.makedirs(OUT, exist_ok=True)
    blob = os.path.join(OUT, name + ".dtb")
    source = os.path.join(EXAMPLE, name + ".dts")
    tree.dtc(source if os.path.exists(source) else os.path.join(HERE, name + ".dts"), blob)
    return blob


def ramdisk(*modules):
    from command import fetch, initramfs
    fetch.item("busybox")
    path = os.path.join(OUT, "-".join(("linux",) + modules) + ".cpio.gz")
    os.makedirs(OUT, exist_ok=True)
    data = initramfs.build(Path(HERE, "init"), (), modules)
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.replace(path + ".new", path)
    return path


def with_disk(path, throttle="", machine=machines.A72_V3):
    """A machine whose last virtio-mmio transport holds a modern block device."""
    options = ("-global", "virtio-mmio.force-legacy=false",
               "-drive", f"if=none,id=disk,format=raw,file={path}{throttle}",
               "-device", "virtio-blk-device,drive=disk")
    return dataclasses.replace(machine, options=options)


def static(size, base=BASE):
    """Properties of a direct-mapped domain with so many bytes."""
    return STATIC.format(tree.cells(base), tree.cells(size))


def linux_with(modules, partial_tree, properties=""):
    return Domain(linux.kernel(), "console=ttyAMA0 quiet", memory=262144, cpus=2, ramdisk=ramdisk(*modules),
                  partial_tree=partial(partial_tree), properties=properties)


def break_image(name):
    """A build of the hypervisor with one step removed."""
    image = os.path.join(run.O, f"bulkhead-{name}.img")
    done = subprocess.run(["make", "--no-print-directory", "-f", os.path.join(linux.SOURCE, "Makefile"),
                           f"BREAK={name}", image], capture_output=True, text=True, timeout=600, check=False,
                          env={**os.environ, "O": run.O})
    assert done.returncode == 0, done.stdout + done.stderr
    return image


def qmp(path, command):
    """One command to QEMU's machine protocol socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(20)
        s.connect(path)
        f = s.makefile("rw")
        f.readline()
        for execute in ("qmp_capabilities", command):
            f.write(json.dumps({"execute": execute}) + "\n")
            f.flush()
            while "return" not in json.loads(f.readline()):
                pass


def ext4(path, content):
    """A small ext4 file system with one file `host`; returns the checksum that md5sum prints."""
    folder = path + ".d"
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "host"), "wb") as f:
        f.write(content)
    if os.path.exists(path):
        os.remove(path)
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", folder, path, "32M"], check=True,
                   timeout=60, capture_output=True)
    return hashlib.md5(content).hexdigest()


@pytest.mark.line_01_2
@machines.parameter(machines.A53_V2, machines.A72_V3)
def test_clock_and_gpio(machine, guest, name, evidence):
    """PL031 and PL061 in a Linux, by a partial tree with a clock and a key; nobody else reaches them."""
    path = os.path.join("/tmp", f"bulkhead-{os.getpid()}.qmp")   # a socket's name is short
    machine = dataclasses.replace(machine, options=("-qmp", f"unix:{path},server=on,wait=off"))
    domains = [linux_with(("gpio_keys",), "sensors"), Domain(guest, "test=device_absent")]
    with run.hypervisor(machine, domains, name, limit=150) as r:
        figures = {}
        run.finish(r, (2,), figures)
        assert figures["device_absent.aborts"] == 12
        evidence("accesses of the other domain aborted", "12 of 12")
        r.rewind()
        _, m = r.expect(r"TEST bound (.*)", domain=1, limit=90, refuse="Kernel panic")
        assert sorted(m.group(1).split()) == ["9010000.rtc", "9030000.gpio"]
        _, m = r.expect(r"TEST clock (\d+) (\d+)", domain=1)
        assert abs(int(m.group(2)) - time.time()) < 100, "the clock's time is not the machine's"
        r.expect("TEST ready", domain=1)
        assert linux.new_warnings(r.text_of(1)) == []
        r.send("alarm\n", pause=0.002)
        _, m = r.expect(r"TEST alarm (\d+) (\d+) from ([\d.]+) to ([\d.]+)", domain=1, limit=30)
        assert int(m.group(2)) > int(m.group(1)), "no alarm interrupt"
        assert 0.9 < float(m.group(4)) - float(m.group(3)) < 10
        evidence("alarm interrupts", int(m.group(2)))
        r.send("gpio\n", pause=0.002)
        for pin in range(3):
            _, m = r.expect(r"TEST gpio (\d) (\d) (\d) (\d)", domain=1, limit=20)
            assert m.groups() == (str(pin), "0", "1", "0"), f"GPIO {m.groups()}"
        r.expect("TEST done", domain=1)
        r.send("key\n", pause=0.002)
        r.expect("TEST key waits", domain=1, limit=20)
        qmp(path, "system_powerdown")
        _, m = r.expect(r"TEST key (\d+) (\d+)", domain=1, limit=30)
        assert int(m.group(2)) > int(m.group(1)), "no interrupt of the GPIO when its key is pressed"
        evidence("key interrupts", int(m.group(2)))
        r.send("poweroff -f\n", pause=0.002)
        r.wait_end(30)


@pytest.mark.line_01_2
def test_disk(guest, name, evidence):
    """virtio-mmio block in a direct-mapped Linux: files read, written and read, also after a reboot."""
    os.makedirs(OUT, exist_ok=True)
    path = os.path.join(OUT, "ext4.img")
    first = ext4(path, os.urandom(1 << 20))
    owner = linux_with(("virtio_mmio", "virtio_blk", "crc32c_generic", "ext4"), "disk",
                       static(256 << 20) + " bulkhead,restart = <0xffffffff>;")
    with run.hypervisor(with_disk(path), [owner, Domain(guest, "test=device_absent")], name, limit=240) as r:
        r.expect(r"xen,path: does DMA unprotected: its driver is trusted for all RAM")
        run.finish(r, (2,))
        r.rewind()
        for life in range(2):
            _, m = r.expect(r"TEST disks (.*)", domain=1, limit=100, refuse="Kernel panic")
            assert m.group(1).split() == ["vda"]
            r.expect("TEST ready", domain=1)
            r.focus(1)
            r.send("disk\n", pause=0.002)
            _, m = r.expect(r"TEST disk first (\w+)", domain=1, limit=30, refuse="not mounted")
            assert m.group(1) == first
            _, wrote = r.expect(r"TEST disk wrote (\w+)", domain=1, limit=60)
            _, back = r.expect(r"TEST disk read (\w+)", domain=1, limit=60)
            assert wrote.group(1) == back.group(1)
            _, m = r.expect(r"TEST disk interrupts (\d+)", domain=1)
            assert int(m.group(1)) > 10
            evidence(f"disk interrupts, life {life + 1}", int(m.group(1)))
            # Goes down in the middle of a read of the whole disk.
            r.send("dd if=/dev/vda of=/dev/null bs=1M iflag=direct & usleep 20000; reboot -f\n" if life == 0
                   else "poweroff -f\n", pause=0.002)
        r.wait_end(30)
    assert linux.new_warnings(r.text_of(1)) == []


@pytest.mark.line_01_2
def test_disk_without_direct_map(guest, name, evidence):
    """Without direct-map the target and the offline check refuse the same disk, with path and reason."""
    os.makedirs(OUT, exist_ok=True)
    path = os.path.join(OUT, "empty.img")
    with open(path, "wb") as f:
        f.truncate(1 << 20)
    owner = Domain(guest, "test=hello", partial_tree=partial("disk"))
    refusal = r"/passthrough/virtio@a003e00 xen,path: .*does DMA that no SMMU translates; it needs " \
              r"direct-map xen,static-mem"
    with run.hypervisor(with_disk(path), [owner], name, limit=30) as r:
        r.expect("error: .*" + refusal)
        r.expect("the boot stops here")
        blob = r.args[r.args.index("-dtb") + 1]
        modules = [a.split(",") for a in r.args if a.startswith("loader,file=")]
    command = [os.path.join(run.O, "bulkhead-check"), "check", "-q", blob[:-1] + "s"]
    for _, file, address, _ in modules:
        command += ["--module", f"{address[5:]}={file[5:]}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and re.search(refusal, done.stdout + done.stderr), done.stdout + done.stderr
    evidence("refused by", "target and bulkhead check")


def restart_run(machine, guest, name, image, throttle, watch, restarts):
    os.makedirs(OUT, exist_ok=True)
    path = os.path.join(OUT, "pattern.img")
    with open(path, "wb") as f:
        f.write(b"\xd5" * (1 << 20))
    policy = f" bulkhead,restart = <{restarts}>; bulkhead,restart-window-ms = <0x7fffffff>;"
    owner = Domain(guest, f"test=device_present,device_restart pending=keep watch={watch}", memory=4096,
                   partial_tree=partial("all"), properties=static(4 << 20) + policy)
    machine = with_disk(path, f",throttling.iops-read={throttle}", machine)
    return run.hypervisor(machine, [owner], name, limit=200, image=image)


@pytest.mark.line_01_2
@pytest.mark.parametrize("machine, restarts", [(machines.A72_V3, 100), (machines.A53_V2, 20)],
                         ids=lambda v: getattr(v, "name", str(v)))
def test_restart_with_dma(machine, restarts, guest, name, evidence):
    """Restarts with reads outstanding on a throttled disk, an alarm and a GPIO interrupt pending: every
    incarnation finds its devices reset, and neither a transfer nor an interrupt of the last one arrives."""
    with restart_run(machine, guest, name, None, 40, 120000, restarts) as r:
        r.wait_end()
        lives = [int(t.split()[-1]) for t in r.text_of(1) if t.startswith("LIFE outstanding")]
        bad = [t for t in r.text_of(1) if "FAIL" in t]
        if bad or len(lives) != restarts + 1 or min(lives) < 1:
            r.fail(f"{len(lives)} incarnations, {bad[:5]}")
        evidence("restarts", len(lives) - 1)
        evidence("reads outstanding at each", f"{min(lives)} to {max(lives)}")


@pytest.mark.line_01_2
def test_restart_with_dma_control(guest, name, evidence):
    """Without the step that resets devices, they are as they were left, and the old transfer arrives."""
    with restart_run(machines.A72_V3, guest, name, break_image("device_reset"), 10, 1500000, 5) as r:
        r.expect("LIFE outstanding", domain=1)
        for what in ("virtio Status at start is 0xf", "PL031 IMSC at start is 0x1",
                     "PL061 IE at start is 0x1", r"(\d+) words written by DMA of an earlier incarnation"):
            _, m = r.expect("FAIL device_restart: " + what, domain=1)
        evidence("words of the old transfer seen without the reset", int(m.group(1)))
        for irq in (34, 39, 79):
            r.expect(f"FAIL device_restart: interrupt {irq} from an earlier incarnation", domain=1)
        evidence("old interrupts seen without the reset", 3)


@pytest.mark.line_01_2
def test_reset_times_out(guest, name):
    """A device that does not answer its reset keeps its domain stopped, at the first start; others go on."""
    with open(os.path.join(HERE, "all.dts"), encoding="utf-8") as f:
        text = f.read()
    step = "<0x10 0 0xffffffff 0 0>"
    assert step in text
    os.makedirs(OUT, exist_ok=True)
    source = os.path.join(OUT, "stuck.dts")
    with open(source, "w", encoding="utf-8") as f:
        f.write(text.replace(step, "<0x10 0 0xffffffff 1 2000>"))   # reads 0 for ever
    tree.dtc(source, source[:-1] + "b")
    owner = Domain(guest, "test=device_present", memory=4096, partial_tree=source[:-1] + "b",
                   properties=static(4 << 20) + " bulkhead,restart = <0xffffffff>;")
    path = os.path.join(OUT, "pattern.img")
    with open(path, "wb") as f:
        f.write(b"\xd5" * (1 << 20))
    with run.hypervisor(with_disk(path), [owner, Domain(guest, "test=device_absent")], name, limit=30) as r:
        run.finish(r, (2,))
        r.wait_end()
        assert any("DOM1: device reset" in l.text and "timed out" in l.text for l in r.lines)
        assert r.text_of(1) == []


@pytest.mark.line_01_2
def test_example(name):
    """examples/passthrough, as its README shows it."""
    tool = os.path.join(linux.SOURCE, "tools", "bulkhead")
    done = subprocess.run([tool, "run", EXAMPLE, "--unattended", "yes", "--print", "-o", os.path.join(OUT, "example")],
                          capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "O": run.O})
    assert done.returncode == 0, done.stdout + done.stderr
    args = shlex.split(done.stdout.splitlines()[-1])   # QEMU itself, so that it ends with the test
    with run.Run(args, name, limit=150) as r:
        for dom, text in ((1, "sensors: clock says 20"), (1, "sensors: 1 interrupt of an alarm"),
                          (1, "sensors: GPIO of 8 lines"), (2, "storage: wrote 4 MiB to the disk")):
            r.rewind()
            r.expect(text, domain=dom, limit=120, refuse="Kernel panic")
        r.wait_end(30)
