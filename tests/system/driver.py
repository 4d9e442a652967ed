# SPDX-License-Identifier: Apache-2.0
"""Driver domains and the Linux domains that they serve, for the system tests."""

import dataclasses
import os
import re
import select
import socket
import struct
import time

import linux
import machine as machines
import run
import tree
from tree import Domain

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLE = os.path.join(linux.SOURCE, "examples", "driver-domains")
ALWAYS = "bulkhead,restart = <0xffffffff>;"
FIRST_OF_ALL = "bulkhead,priority = <200>;"
STATIC = "direct-map; xen,static-mem = <{} {}>;"
BASE = 0x60000000   # of the driver domains' memory; the modules lie below
FIRST = 0x2000000   # registers of the first device


def with_devices(path, machine=machines.A72_V3, mem=2048, more=(), drive=",cache=unsafe", disk=""):
    """A machine with a disk on the last virtio-mmio transport and QEMU's user network on the first. drive, disk:
    further properties of the medium and of the device."""
    options = ("-global", "virtio-mmio.force-legacy=false",
               "-drive", f"if=none,id=disk,format=raw,file={path}{drive}",
               "-device", f"virtio-blk-device,drive=disk,bus=virtio-mmio-bus.31{disk}",
               "-netdev", "user,id=uplink", "-device", "virtio-net-device,netdev=uplink,bus=virtio-mmio-bus.0", *more)
    return dataclasses.replace(machine, options=options, mem=mem)


def disk_image(name, mib):
    """An empty disk in the build folder."""
    folder = os.path.join(run.O, "tests", "disks")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, re.sub(r"[^A-Za-z0-9_.+-]", "_", name) + ".img")
    with open(path, "wb") as f:
        f.truncate(mib * 2**20)
    return path


def partial(name):
    """The blob of a partial tree of the example, or of one in devices/."""
    folder = os.path.join(run.WORK, "devices")
    os.makedirs(folder, exist_ok=True)
    blob = os.path.join(folder, f"driver-{name}.dtb")
    example, own = (os.path.join(place, name + ".dts") for place in (EXAMPLE, os.path.join(HERE, "devices")))
    tree.dtc(example if os.path.exists(example) else own, blob)
    return blob


def backend(name, number, image=None, memory=1024, properties=ALWAYS, device=None):
    """A driver domain with its device, by default that of its name; number: of the driver domain, from 0."""
    place = STATIC.format(tree.cells(BASE + 0x200000 * number), tree.cells(memory * 1024))
    image = image or os.path.join(run.O, "domains", name + ".img")
    properties = f"{place} {FIRST_OF_ALL} {properties}"
    return Domain(image, memory=memory, vpl011=False, partial_tree=partial(device or name), properties=properties,
                  name=name)


def frontend(devices, name="linux", cpus=2, memory=262144, properties="", buffers="all"):
    """Linux with devices, given as (class, server, further properties): Debian's, or the confined kernel."""
    more = f'bulkhead,buffers = "{buffers}"; '
    nodes = "".join(tree.virtio(FIRST + 0x200 * i, server, kind, more + rest) for i, (kind, server, rest) in
                    enumerate(devices))
    kernel = linux.kernel() if buffers == "all" else linux.confined()
    ramdisk = linux.device_ramdisk() if buffers == "all" else linux.device_ramdisk("confined", modules=())
    return Domain(kernel, f"console=ttyAMA0 quiet host={name}", ramdisk=ramdisk, cpus=cpus,
                  memory=memory, nodes=nodes, properties=properties, name=name)


def ready(r, domain, limit=180):
    """The Linux of that domain has looked at its devices."""
    mark = r.mark()
    r.expect(r"vCPUs, first on pCPU|restarting", domain=None, limit=20, refuse="error:|the boot stops")
    r.rewind(mark)
    r.expect(r"TEST ready", domain=domain, limit=limit, refuse="Kernel panic")


def ask(r, domain, command, answer, limit=60):
    """Type a command at a Linux; returns the match of its answer."""
    r.focus(domain)
    r.send(command + "\n", pause=0.002)
    _, match = r.expect(answer, domain=domain, limit=limit, refuse="Kernel panic|I/O error")
    return match


COMPLAINT = re.compile(r"I/O error|is not a head|WARNING|BUG:|Oops|[Cc]all trace|blocked for more|rejected|hung"
                       r"|virtio.*(fail|error|reset)")


def complaints(r, *domains):
    """What kernels say that they should not; everything they print is looked at."""
    found = [f"DOM{d}: {text}" for d in domains for text in r.text_of(d) if COMPLAINT.search(text)]
    return found + [f"DOM{d}: {text}" for d in domains for text in linux.new_warnings(r.text_of(d))]


def second_uart(base):
    """The machine has a second UART like the first: QEMU makes it when there are two serial lines."""
    node = re.search(r"\n\tpl011@9000000 \{.*?\n\t\};", base, re.S).group(0)
    node = re.sub(r"interrupts = <[^>]*>", "interrupts = <0 8 4>", node.replace("9000000", "9040000"))
    return base + "/ {" + re.sub(r"phandle = <[^>]*>;", "", node) + "\n};\n"


class Terminal:
    """The other end of a serial line that is a socket, while a machine runs."""

    def __init__(self, r, path):
        self.run, self.text, self.at = r, "", 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def pump(self, seconds):
        if select.select([self.socket], [], [], seconds)[0]:
            text = self.socket.recv(65536).decode("ascii", "replace").replace("\r", "")
            self.text += text
            self.run.note("terminal", text)

    def expect(self, pattern, limit=60):
        """Wait for text behind the former match, in whole lines."""
        end = time.monotonic() + limit * run.PATIENCE
        while True:
            match = re.compile(pattern, re.M).search(self.text, self.at, self.text.rfind("\n") + 1)
            if match:
                self.at = match.end()
                return match
            if time.monotonic() > end:
                self.run.fail(f"no '{pattern}' on the terminal, which says: {self.text[self.at:][-400:]!r}")
            self.run.pump(0)
            self.pump(0.1)

    def send(self, text):
        for byte in text.encode():
            self.socket.sendall(bytes([byte]))
            time.sleep(0.002)


class Load:
    """What blkcheck says."""

    def __init__(self, r, domain):
        self.run, self.domain = r, domain

    def seen(self):
        """(seconds, operations, slowest in us) of each report."""
        found = [(l.when, re.search(r"BLK now (\d+) (\d+)", l.text)) for l in self.run.lines if l.domain == self.domain]
        return [(when, int(m.group(1)), int(m.group(2))) for when, m in found if m]

    def end(self, workers, limit):
        """Wait for its end; returns writes, reads, bytes, wrong, failed, and the sum of each worker's versions."""
        sums, versions = [0] * 5, {}
        for _ in range(workers):
            _, m = self.run.expect(r"BLK worker, [a-z, ]+ (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)",
                                   domain=self.domain, limit=limit, refuse="Kernel panic")
            sums = [a + int(b) for a, b in zip(sums, m.groups()[1:])]
            versions[int(m.group(1))] = int(m.group(7))
        return (*sums, [versions[i] for i in range(workers)])


def versions_on(path, mib, workers, first=0):
    """The sums of a disk image from `first` MiB on, read from outside: each worker's part holds what was acknowledged
    last."""
    sums = []
    blocks = mib * 256 // workers
    with open(path, "rb") as f:
        for worker in range(workers):
            total = 0xcbf29ce484222325
            for block in range(worker * blocks, (worker + 1) * blocks):
                f.seek(first * 2**20 + block * 4096)
                where, version = struct.unpack("<QQ", f.read(16))
                total = (total ^ (version if where == block else 0)) * 0x100000001b3 % 2**64
            sums.append(total)
    return sums
