# SPDX-License-Identifier: Apache-2.0
"""What is run for which rows. A target is where the guest runs: Bulkhead, Xen or the bare machine."""

import os
import re
import statistics
from dataclasses import dataclass

from machine import BenchError, Domain, Machine, Run
from report import Figure

# Extra ticks before the rows, so that those of several pCPUs meet the emulator's slices elsewhere.
PHASES = (0, 1777, 40961)
RESULT = re.compile(r"R (\w+) n=(\d+) min=(\d+) median=(\d+) p99=(\d+) max=(\d+)")
FIRST = re.compile(r"B first cntpct=(\d+)")
MEMORY = re.compile(r"memory: (\d+) bytes beside the domains' own")


@dataclass
class Target:
    """name: bulkhead, xen or bare; image: what is booted at EL2, empty for bare."""

    name: str
    image: str
    guest: str
    logs: str
    samples: int = 10000
    options: object = None  # what else QEMU gets, by the name of the run (worst_seen.py)

    def log(self, name):
        return os.path.join(self.logs, f"{self.name}-{name}.log")

    def run(self, name, machine, domains, ends=1, chosen=""):
        run = Run(machine, ends=ends, log=self.log(name), extra=self.options(name) if self.options else [])
        if self.name == "bare":
            return run.bare(domains[0].kernel, domains[0].bootargs)
        return run.hypervisor(self.image, domains, chosen=chosen)


def results(text):
    return {m[1]: Figure(int(m[3]), int(m[4]), int(m[6])) for m in RESULT.finditer(text)}


def paths(target, cpu="cortex-a53", gic=3, suffix="", phases=PHASES):
    """Exits and interrupts of one domain of two vCPUs on two pCPUs of their own."""
    machine = Machine(cpu, gic, smp=2, hypervisor=target.name != "bare")
    runs = []
    for phase in phases:
        arguments = f"role=bench n={target.samples} phase={phase}"
        text = target.run(f"paths{suffix}-{phase}", machine, [Domain(target.guest, arguments, cpus=2)])
        runs.append(results(text))
    figures = {}
    for name in runs[0]:
        rows = [run[name] for run in runs if name in run]
        figures[name + suffix] = Figure(min(r.minimum for r in rows),
                                        statistics.median(r.median for r in rows),
                                        max(r.maximum for r in rows))
    return figures


def paths_gicv2(target):
    return paths(target, "cortex-a53", 2, "_gicv2", PHASES[:1])


def paths_mitigated(target):
    """A core that must forget branch history at every entry (hypervisor/arch/arm64/errata.c)."""
    return paths(target, "cortex-a72", 3, "_mitigated", PHASES[:1])


def shared(target):
    """A sleeper's timer on one pCPU that another domain keeps busy; the sleeper has the higher priority."""
    if target.name == "bare":
        return {}
    priority = "bulkhead,priority = <{}>;" if target.name == "bulkhead" else ""
    count = min(target.samples, 500)
    text = target.run("shared", Machine(smp=1), [
        Domain(target.guest, f"role=timer n={count}", properties=priority.format(200)),
        Domain(target.guest, "role=spin", properties=priority.format(100))])
    return results(text)


EVENT = re.compile(r"([TR])X i=(\d+) t=(\d+)")
PORT = 10


def event_domains(guest, options, shared, priorities=True):
    """A domain that sends over a static channel, and one that answers from its handler; on a shared pCPU the
    receiver has the higher priority."""
    def channel(own, peer):
        return (f'{own}: events {{ compatible = "xen,evtchn-v1"; xen,evtchn = <{PORT} &{peer}>; }};')

    priority = "bulkhead,priority = <{}>;" if shared and priorities else ""
    enhanced = 'xen,enhanced = "no-xenstore"; '
    return [
        Domain(guest, f"role=send port={PORT} {options}", properties=enhanced + priority.format(100),
               children=channel("c1", "c2")),
        Domain(guest, f"role=receive port={PORT} {options}", properties=enhanced + priority.format(200),
               children=channel("c2", "c1"))]


def _ways(text):
    """One-way times: what one side sent and the other received."""
    times = {"T": {}, "R": {}}
    for side, index, at in EVENT.findall(text):
        times[side][int(index)] = int(at)
    ways = [times["R"][i] - times["T"][i] for i in times["T"] if i in times["R"]]
    if not ways:
        raise BenchError("nothing was received")
    return ways


def _events(target, name, smp, options):
    """One-way times, and the rows of the sender."""
    domains = event_domains(target.guest, options, smp == 1, target.name == "bulkhead")
    text = target.run(name, Machine(smp=smp), domains, ends=2)
    return Figure.of(_ways(text)), results(text)


def channels(target):
    """A message from the call to the receiver's buffer, the doorbell included; two pCPUs, the receiver asleep."""
    if target.name != "bulkhead":
        return {}
    chosen = ('channel { compatible = "bulkhead,channel"; bulkhead,domains = <&domU1 &domU2>; '
              'bulkhead,size = <65536>; bulkhead,doorbell = "device"; };')
    figures = {}
    for size in (64, 4096):
        domains = [Domain(target.guest, f"role=channel-{role} size={size}") for role in ("send", "receive")]
        text = target.run(f"channel-{size}", Machine(smp=2), domains, ends=2, chosen=chosen)
        figures[f"channel_{size}"] = Figure.of(_ways(text))
    rates = [4096 * 1000 / ticks for ticks in (figures["channel_4096"].maximum, figures["channel_4096"].median,
                                               figures["channel_4096"].minimum)]
    figures["channel_4096_rate"] = Figure(*rates)
    return figures


def doorbell(target):
    """A store to QueueNotify of a VIRTIO device to its backend's handler; two pCPUs, the backend asleep."""
    device = ('virtio@2000000 { compatible = "bulkhead,virtio"; reg = <0x0 0x2000000 0x0 0x200>; '
              'bulkhead,class = "entropy"; bulkhead,server = <&domU2>; bulkhead,buffers = "all"; };')
    options = f"bell={0x2000050} sleep=1"
    domains = [Domain(target.guest, f"role=send {options}", children=device),
               Domain(target.guest, f"role=receive {options}")]
    return Figure.of(_ways(target.run("doorbell", Machine(smp=2), domains, ends=2)))


def events(target):
    """One way and round trip between two domains, each on a pCPU of its own, and both on one."""
    if target.name == "bare":
        return {}
    figures = {}
    figures["evtchn_spin"], _ = _events(target, "evtchn-spin", 2, "sleep=0")
    figures["evtchn_wfi"], rows = _events(target, "evtchn-wfi", 2, "sleep=1")
    figures["evtchn_rtt_wfi"] = rows["evtchn_rtt"]
    if target.name == "bulkhead":
        figures["doorbell"] = doorbell(target)
    figures["evtchn_switch"], _ = _events(target, "evtchn-switch", 1, "sleep=1")
    figures["evtchn_switch_fp"], _ = _events(target, "evtchn-switch-fp", 1, "sleep=1 fp=1")
    return figures


EXTENSION = 0x5e000000  # where its file lies
RANGE = 0x2000000       # what it serves


def extensions(target):
    """A load that an extension without a device serves, on a core without VHE and on one with it."""
    if target.name != "bulkhead":
        return {}
    figures = {}
    path = os.path.join(os.path.dirname(target.guest), "extension.elf")
    chosen = ('extension: extension { compatible = "bulkhead,extension"; #address-cells = <2>; #size-cells = <2>; '
              f'module {{ compatible = "multiboot,module"; reg = <0 {EXTENSION:#x} 0 {os.path.getsize(path):#x}>; }}; '
              '};')
    device = (f'mmio@{RANGE:x} {{ compatible = "bulkhead,mmio"; reg = <0 {RANGE:#x} 0 0x1000>; '
              "bulkhead,server = <&extension>; };")
    for name, cpu in (("ext_mmio", "cortex-a53"), ("ext_mmio_vhe", "max")):
        run = Run(Machine(cpu), log=target.log(name),
                  extra=["-device", f"loader,file={path},addr={EXTENSION:#x},force-raw=on"])
        domains = [Domain(target.guest, f"role=ioreq at={RANGE} n={target.samples}", children=device)]
        figures[name] = results(run.hypervisor(target.image, domains, chosen=chosen))["ioreq"]
    return figures


def boot(target):
    """Reset to the first instruction of a guest with 1, 2 and 4 domains on one pCPU, and the memory taken."""
    if target.name == "bare":
        return {}
    first, memory = {}, {}
    for count in (1, 2, 4):
        domains = [Domain(target.guest, "role=hello")] * count
        text = target.run(f"boot{count}", Machine(smp=1), domains, ends=count)
        first[count] = min(int(m) for m in FIRST.findall(text))
        taken = MEMORY.search(text)
        if taken:
            memory[count] = int(taken[1])
    figures = {"boot_first": Figure.of([first[1]]),
               "boot_next": Figure.of([first[2] - first[1], (first[4] - first[2]) / 2])}
    if len(memory) == 3:
        figures["memory_first"] = Figure.of([memory[1]])
        figures["memory_next"] = Figure.of([memory[2] - memory[1], (memory[4] - memory[2]) / 2])
    return figures


def measure(target, groups, say):
    """Runs the named groups; what fails is reported and leaves its rows out."""
    figures, errors = {}, []
    for name, function in groups.items():
        say(f"{target.name}: {name}")
        try:
            figures.update(function(target))
        except BenchError as error:
            errors.append(f"{target.name}: {name}: {error}")
    return figures, errors
