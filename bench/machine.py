# SPDX-License-Identifier: Apache-2.0
"""The emulated machine of the benchmark: its device tree, its command line, one run of it."""

import os
import re
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

QEMU = os.environ.get("QEMU", "qemu-system-aarch64")
MODULES = 0x50000000  # where the loader puts kernels, ramdisks after them
RAMDISK = 0x58000000
PARTIAL = 0x5F000000
XEN_BOOTARGS = "console=dtuart dtuart=/pl011@9000000 guest_loglvl=all"


class BenchError(Exception):
    pass


@dataclass(frozen=True)
class Machine:
    """One processor per icount slice, 1 GHz counter: a tick is an instruction."""

    cpu: str = "cortex-a53"
    gic: int = 3
    smp: int = 1
    memory: int = 2048  # MiB
    hypervisor: bool = True
    options: str = ""  # of -machine

    def arguments(self, extra=""):
        el2 = ",virtualization=on" if self.hypervisor else ""
        return [QEMU, "-machine", f"virt{el2},gic-version={self.gic}{self.options}{extra}",
                "-cpu", f"{self.cpu},cntfrq=1000000000", "-smp", str(self.smp), "-m", str(self.memory),
                "-nographic", "-nodefaults"]


@dataclass
class Domain:
    """One domain of a dom0less description; files are placed by `Run`."""

    kernel: str
    bootargs: str
    cpus: int = 1
    memory: int = 65536  # KiB
    ramdisk: str = ""
    properties: str = ""
    children: str = ""  # nodes
    partial: str = ""  # blob with the devices that it gets
    console: bool = True


_trees = {}


def host_tree(machine):
    """The device tree source that QEMU makes for a machine."""
    if machine not in _trees:
        with tempfile.TemporaryDirectory() as folder:
            blob = os.path.join(folder, "host.dtb")
            subprocess.run(machine.arguments(f",dumpdtb={blob}"), check=True, capture_output=True, timeout=60)
            text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", blob], check=True, timeout=60,
                                  capture_output=True).stdout.decode()
        # The emulator puts fresh random seeds in; a figure that is the same on every run wants none.
        _trees[machine] = re.sub(r"\n\s*(rng-seed|kaslr-seed) = [^;]*;", "", text)
    return _trees[machine]


def compile_tree(source, path):
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", path, "-"], input=source.encode(),
                   check=True, timeout=60)


def _module(kind, address, path, extra=""):
    return (f'module@{address:x} {{ compatible = "multiboot,{kind}", "multiboot,module"; '
            f"reg = <0 {address:#x} 0 {os.path.getsize(path):#x}>; {extra} }};")


def describe(domains, xen_bootargs="", chosen=""):
    """The /chosen fragment, and what the loader has to put where. Domains with the same kernel share it."""
    places, lines = {}, []
    free = {"kernel": MODULES, "ramdisk": RAMDISK, "device-tree": PARTIAL}
    lines.append(f'xen,xen-bootargs = "{XEN_BOOTARGS} {xen_bootargs}";')

    def place(kind, path):
        if path not in places:
            places[path] = free[kind]
            free[kind] += (os.path.getsize(path) + 0x1FFFFF) // 0x200000 * 0x200000
        return places[path]

    for number, domain in enumerate(domains, 1):
        modules = _module("kernel", place("kernel", domain.kernel), domain.kernel,
                          f'bootargs = "{domain.bootargs}";')
        if domain.ramdisk:
            modules += _module("ramdisk", place("ramdisk", domain.ramdisk), domain.ramdisk)
        if domain.partial:
            modules += _module("device-tree", place("device-tree", domain.partial), domain.partial)
        console = "vpl011;" if domain.console else ""
        lines.append(f'domU{number}: domU{number} {{ compatible = "xen,domain"; '
                     f'#address-cells = <2>; #size-cells = <2>; '
                     f"memory = <0 {domain.memory}>; cpus = <{domain.cpus}>; {console} "
                     f"{domain.properties} {domain.children} {modules} }};")
    return "/ { chosen { #address-cells = <2>; #size-cells = <2>; " + "\n".join(lines + [chosen]) + " }; };\n", places


@dataclass
class Run:
    """One run of QEMU. It ends when `marker` was printed `ends` times, or after `limit` seconds."""

    machine: Machine
    marker: str = "GUEST DONE"
    ends: int = 1
    limit: int = 120
    log: str = ""
    failures: tuple = ("Panic on CPU", "Kernel panic", "PANIC", "bulkhead: panic")
    extra: list = field(default_factory=list)

    def hypervisor(self, image, domains, xen_bootargs="", chosen=""):
        """Boots `image` at EL2 with `domains`; returns the console's text."""
        fragment, places = describe(domains, xen_bootargs, chosen)
        with tempfile.TemporaryDirectory() as folder:
            blob = os.path.join(folder, "host.dtb")
            compile_tree(host_tree(self.machine) + fragment, blob)
            arguments = ["-kernel", image, "-dtb", blob]
            for path, address in places.items():
                arguments += ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]
            return self._qemu(arguments, folder)

    def bare(self, kernel, bootargs, ramdisk="", tree=None):
        """Boots `kernel` at EL1 without any hypervisor."""
        with tempfile.TemporaryDirectory() as folder:
            arguments = ["-kernel", kernel, "-append", bootargs]
            if ramdisk:
                arguments += ["-initrd", ramdisk]
            if tree is not None:
                blob = os.path.join(folder, "host.dtb")
                compile_tree(tree, blob)
                arguments += ["-dtb", blob]
            return self._qemu(arguments, folder)

    def _qemu(self, arguments, folder):
        serial = self.log or os.path.join(folder, "serial")
        open(serial, "wb").close()
        command = self.machine.arguments() + ["-icount", "shift=0,sleep=off", "-serial", f"file:{serial}",
                                              "-monitor", "none", "-no-reboot"] + arguments + self.extra
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as process:
            try:
                text = self._watch(process, serial)
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                errors = process.stderr.read().decode(errors="replace")
        if text.count(self.marker) < self.ends:
            tail = "\n".join(text.splitlines()[-12:])
            raise BenchError(f"'{self.marker}' was not printed {self.ends} times; the console ends with\n"
                             f"{tail}\n{errors}")
        return text

    def _watch(self, process, serial):
        end = time.monotonic() + self.limit
        while True:
            ended = process.poll() is not None
            with open(serial, encoding="utf-8", errors="replace") as file:
                text = file.read()
            done = text.count(self.marker) >= self.ends or any(word in text for word in self.failures)
            if ended or done or time.monotonic() > end:
                return text
            time.sleep(0.2)
