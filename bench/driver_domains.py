# SPDX-License-Identifier: Apache-2.0
"""Driver domains: the size of their images, their RAM, how fast they start and come back, and what a request costs.

Frontends without an operating system (tests/domains) load them; a plugin of the emulator counts who executes what."""

import dataclasses
import os
import re
import subprocess

import counts
import suite
from machine import BenchError, Domain, Machine, Run
from report import Figure

NAMES = ("block", "console", "net")
KIB = {"block": 96, "console": 96, "net": 192}  # RAM: the budgets
BASE = 0x60000000   # of the RAM of those that have a device, which has to be where the machine has it
DEVICE = 0x2000000  # registers of a frontend's device
EXAMPLE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples", "driver-domains")
MODERN = ["-global", "virtio-mmio.force-legacy=false"]
DISK = [*MODERN, "-drive", "driver=null-co,read-zeroes=on,size=64M,if=none,id=disk",
        "-device", "virtio-blk-device,drive=disk,bus=virtio-mmio-bus.31"]
NETWORK = [*MODERN, "-netdev", "user,id=uplink,restrict=on",
           "-device", "virtio-net-device,netdev=uplink,bus=virtio-mmio-bus.0"]
SMMU = Machine(options=",iommu=smmuv3")
PCI = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "system", "devices", "pci.dts")
PCI_DISK = [*DISK[2:4], "-device", "virtio-blk-pci,drive=disk,disable-legacy=on,iommu_platform=on"]
LEFT = re.compile(r"DOM(\d+): ready, (\d+) KiB of memory left")


def on(pcpu):
    return f'vcpu0 {{ compatible = "xen,vcpu"; id = <0>; hard-affinity = "{pcpu}"; }};'


def served(kind, server, at=DEVICE, buffers="all"):
    return (f'virtio@{at:x} {{ compatible = "bulkhead,virtio"; reg = <0 {at:#x} 0 0x200>; bulkhead,class = "{kind}"; '
            f'bulkhead,server = <&domU{server}>; bulkhead,buffers = "{buffers}"; }};')


class Bench:
    """Runs of one build."""

    def __init__(self, out, image, samples):
        self.out, self.image, self.samples = out, image, samples
        self.work = os.path.join(out, "bench", "driver-domains")
        os.makedirs(self.work, exist_ok=True)

    def path(self, name):
        return os.path.join(self.out, "domains", f"{name}.img")

    def compile(self, source):
        """The blob of a partial tree."""
        blob = os.path.join(self.work, os.path.basename(source)[:-4] + ".dtb")
        subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", blob, source], check=True, timeout=60)
        return blob

    def devices(self, name):
        """What a domain gets: the disk or the network card of QEMU's board."""
        return self.compile(os.path.join(EXAMPLE, f"{name}.dts"))

    def protected(self):
        """The block domain with a disk on the PCI bus, behind the SMMU."""
        return Domain(self.path("block"), "", memory=1024, partial=self.compile(PCI), console=False,
                      properties="bulkhead,priority = <200>; bulkhead,restart = <0xffffffff>;", children=on(0))

    def owner(self, device, image, memory, arguments="", number=0, pcpu=0):
        """A domain to which the disk or the network card is passed through."""
        place = f"direct-map; xen,static-mem = <0 {BASE + number * 0x400000:#x} 0 {memory * 1024:#x}>;"
        return Domain(image, arguments, memory=memory, partial=self.devices(device), console=False,
                      properties=f"bulkhead,priority = <200>; bulkhead,restart = <0xffffffff>; {place}",
                      children=on(pcpu))

    def backend(self, kind, pcpu=0, memory=1024):
        """A driver domain without a device."""
        return Domain(self.path(kind), "", memory=memory, console=False, properties="bulkhead,priority = <200>;",
                      children=on(pcpu))

    def frontend(self, image, arguments, kind, pcpu=1, buffers="all"):
        return Domain(self.path(image), arguments, memory=4096,
                      children=served(kind, 1, buffers=buffers) + on(pcpu))

    def run(self, name, domains, smp, extra=(), machine=Machine(), **options):
        """The counts of the plugin, and the console's text."""
        path = os.path.join(self.work, f"{name}.counts")
        plugin = counts.arguments(os.path.join(self.out, "tests", "count.so"), path, **options)
        run = Run(dataclasses.replace(machine, smp=smp), log=os.path.join(self.work, f"{name}.log"),
                  extra=[*extra, *plugin], limit=300, failures=("PANIC", "bulkhead: panic", "crash: "))
        text = run.hypervisor(self.image, domains)
        return counts.read(path), text


def _each(seen, domid, number):
    """Instructions for each of the load's requests: all, and without the frontend's own."""
    _, begin, end = seen.load(domid)
    spent = counts.spent(seen.events[begin], seen.events[end])
    every = sum(core + own for core, own in spent.values())
    frontends = sum(own for (_, who), (_, own) in spent.items() if who is not None and who >= domid)
    return every / number, (every - frontends) / number


def sizes(bench):
    figures = {}
    for name in NAMES:
        try:
            figures[f"dd_image_{name}"] = Figure.of([os.path.getsize(bench.path(name))])
        except OSError as error:
            raise BenchError(f"{bench.path(name)}: {error.strerror}; `make` builds it") from error
    trusted = os.path.getsize(bench.image) + os.path.getsize(bench.path("block"))
    figures["trusted_bytes"] = Figure.of([trusted])
    return figures


def memory(bench):
    """RAM that is used of what the budget allows; and the pages of it that are touched while a load runs."""
    figures = {}
    room = 2  # times the budget: a domain that needs more than that is measured too
    domains = [bench.owner(name, bench.path(name), KIB[name] * room, number=i)
               for i, name in enumerate(("block", "net"))]
    domains.append(Domain(bench.path("console"), "", memory=KIB["console"] * room))
    domains.append(Domain(os.path.join(bench.out, "bench", "guest.img"), "role=hello", memory=262144,
                          children="".join(served(name, i + 1, DEVICE + 0x200 * i)
                                           for i, name in enumerate(("block", "net", "console")))))
    run = Run(Machine(smp=2), marker=" KiB of memory left", ends=3, log=os.path.join(bench.work, "memory.log"),
              extra=[*DISK, *NETWORK[2:]])
    left = {int(m[1]): int(m[2]) for m in LEFT.finditer(run.hypervisor(bench.image, domains))}
    for domid, name in enumerate(("block", "net", "console"), 1):
        figures[f"dd_ram_{name}"] = Figure.of([(KIB[name] * room - left[domid]) * 1024])
    for name, load, extra in (("block", f"count={bench.samples // 5} depth=8", DISK),
                              ("net", f"count={bench.samples // 5} window=0", NETWORK)):
        domains = [bench.owner(name, bench.path(name), KIB[name]), bench.frontend(name + "load", load, name)]
        seen, _ = bench.run(f"pages-{name}", domains, 2, extra, pages=2)
        own = [page for page in seen.pages if BASE <= page < BASE + KIB[name] * 1024]
        figures[f"dd_pages_{name}"] = Figure.of([len(own) * 4096])
    return figures


def block(bench):
    figures, number = {}, bench.samples // 5
    for depth in (1, 8, 32):
        load = f"count={number} warm=100 depth={depth}"
        domains = [bench.owner("block", bench.path("block"), 96), bench.frontend("blockload", load, "block")]
        seen, _ = bench.run(f"block-{depth}", domains, 2, DISK, late=1)
        suffix = f"_{depth}" if depth > 1 else ""
        figures["blk_4k_all" + suffix] = Figure.of([_each(seen, 2, number)[1]])
    for buffers in ("bounce", "grants"):
        domains = [bench.owner("block", bench.path("block"), 96),
                   bench.frontend("blockload", f"count={number} warm=100 depth=1", "block", buffers=buffers)]
        seen, _ = bench.run(f"block-{buffers}", domains, 2, DISK, late=1)
        figures[f"blk_4k_{buffers}"] = Figure.of([_each(seen, 2, number)[1]])
    return figures


def grants(bench):
    """What a map and an unmap cost, and a read with them, without an SMMU and with devices behind one."""
    figures, number = {}, bench.samples // 5
    guest = os.path.join(bench.out, "bench", "guest.img")
    for suffix, machine, partial in (("", Machine(), ""), ("_smmu", SMMU, bench.compile(PCI))):
        domain = Domain(guest, f"role=grants n={bench.samples}", partial=partial,
                        properties='xen,enhanced = "no-xenstore";')
        run = Run(machine, log=os.path.join(bench.work, f"grants{suffix}.log"))
        for name, figure in suite.results(run.hypervisor(bench.image, [domain])).items():
            figures[name + suffix] = figure
    for buffers in ("all", "grants"):
        load = f"count={number} warm=100 depth=1"
        domains = [bench.protected(), bench.frontend("blockload", load, "block", buffers=buffers)]
        seen, _ = bench.run(f"block-{buffers}-smmu", domains, 2, PCI_DISK, SMMU, late=1)
        figures[f"blk_4k_{buffers}_smmu"] = Figure.of([_each(seen, 2, number)[1]])
    return figures


def network(bench):
    figures, number, window = {}, bench.samples // 16 * 16, 16
    load = f"count={number} warm=160 window={window} to=3"
    for buffers in ("all", "bounce", "grants"):
        domains = [bench.backend("net"), bench.frontend("netload", load, "net", 1, buffers),
                   bench.frontend("netload", "", "net", 2, buffers)]
        seen, _ = bench.run(f"net-{buffers}", domains, 3, late=1)
        figures[f"net_1500_{buffers}"] = Figure.of([_each(seen, 2, number)[1]])
    domains = [bench.owner("net", bench.path("net"), 192),
               bench.frontend("netload", f"count={number} warm=160 window=0", "net")]
    seen, _ = bench.run("net-uplink", domains, 2, NETWORK, late=1)
    figures["net_1500_uplink"] = Figure.of([_each(seen, 2, number)[1]])
    return figures


def lives(bench):
    """Of a driver domain with a disk: from its first instruction until its frontend's driver is ready; and from the end
    of a life until the next one has answered a request. On its own pCPU, the hypervisor's work there included."""
    load = f"count={bench.samples} depth=4"
    domains = [bench.owner("block", bench.path("block-mortal"), 96, "die-us=1000"),
               bench.frontend("blockload", load, "block")]
    seen, _ = bench.run("lives", domains, 2, DISK)
    events = seen.events
    first, ready = seen.first("first", 1), seen.first("request", 2)
    recovered, at = [], seen.first("crash", 1)
    while at is not None:
        alive = seen.first("alive", 1, at)
        done = seen.first("done", 2, alive) if alive is not None else None
        if done is None:
            break
        recovered.append(counts.total(events[at], events[done], 0))
        at = seen.first("crash", 1, done)
    if not recovered:
        raise BenchError("no driver domain came back")
    return {"dd_start": Figure.of([counts.total(events[first], events[ready], 0)]), "dd_recover": Figure.of(recovered)}


def ioreq(bench):
    """A read of a register that a driver domain serves, on another pCPU and on the same one."""
    figures = {}
    for name, pcpu in (("ioreq", 1), ("ioreq_shared", 0)):
        guest = Domain(os.path.join(bench.out, "bench", "guest.img"), f"role=ioreq at={DEVICE} n={bench.samples}",
                       children=served("block", 1) + on(pcpu))
        run = Run(Machine(smp=pcpu + 1), log=os.path.join(bench.work, f"{name}.log"))
        text = run.hypervisor(bench.image, [bench.backend("block"), guest])
        figures[name] = suite.results(text)["ioreq"]
    return figures


def measure(bench, say):
    """(figures, errors)."""
    figures, errors = {}, []
    for function in (sizes, memory, lives, ioreq, block, grants, network):
        say(f"bulkhead: driver domains, {function.__name__}")
        try:
            figures.update(function(bench))
        except (BenchError, OSError) as error:
            errors.append(f"driver domains, {function.__name__}: {error}")
    return figures, errors
