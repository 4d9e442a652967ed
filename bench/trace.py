# SPDX-License-Identifier: Apache-2.0
"""Where the instructions of one path go: runs the guest in an endless loop over one row, logs every executed
instruction for a moment and counts those of the hypervisor by function. `boot` logs from reset to the guest's
first instruction."""

import argparse
import bisect
import collections
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

from machine import BenchError, Machine, compile_tree, describe, host_tree
from suite import Domain, event_domains

LOOPS = ["boot", "hvc", "psci_version", "gicd_typer_read", "gicd_isenabler_write", "sgi_self",
         "sgi_other_spin", "sgi_other_wfi", "vtimer_spin", "vtimer_wfi", "evtchn_spin", "evtchn_wfi", "evtchn_switch",
         "evtchn_switch_fp"]
LINE = re.compile(r"Trace (\d+): \S+ \[[0-9a-f]+/([0-9a-f]+)/")
LOG_SIZE = 40 << 20  # bytes; some hundred thousand instructions
FIRMWARE = 0x40000000  # QEMU's own few instructions before the hypervisor
PAGES = 0x200000     # the guest is linked at 0 and loaded at a multiple of this


class Symbols:
    """Function names by address."""

    def __init__(self, elf):
        text = subprocess.run(["llvm-nm-19", "-n", elf], check=True, capture_output=True, text=True,
                              timeout=60).stdout
        pairs = [line.split() for line in text.splitlines()]
        pairs = [(int(p[0], 16), p[2]) for p in pairs if len(p) == 3 and p[1] in "tTwW" and p[2][0] != "$"]
        if not pairs:
            raise BenchError(f"{elf} has no symbols")
        self.addresses = [address for address, _ in pairs]
        self.names = [name for _, name in pairs]

    def at(self, pc):
        """(name, offset), or None outside the text."""
        index = bisect.bisect_right(self.addresses, pc) - 1
        if index < 0 or pc - self.addresses[index] > 0x10000:
            return None
        return self.names[index], pc - self.addresses[index]

    def address(self, name):
        return self.addresses[self.names.index(name)]


def monitor(path):
    end = time.monotonic() + 20
    while True:
        try:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(path)
            return connection
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise BenchError(f"waited in vain for {what}")
        time.sleep(0.05)


def contains(path, text):
    with open(path, encoding="utf-8", errors="replace") as file:
        return text in file.read()


def prepare(options, domains, folder, cpus):
    """The command line of QEMU, without logging."""
    machine = Machine(options.cpu, options.gic, smp=cpus)
    fragment, places = describe(domains)
    blob, serial = os.path.join(folder, "dtb"), os.path.join(folder, "serial")
    compile_tree(host_tree(machine) + fragment, blob)
    open(serial, "wb").close()
    command = machine.arguments() + ["-icount", "shift=0,sleep=off", "-kernel", options.image, "-dtb", blob,
                                     "-serial", f"file:{serial}"]
    for path, address in places.items():
        command += ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]
    return command, serial


def record_loop(options, guest, folder):
    """Runs the loop and returns the path of QEMU's log of a moment of it."""
    cpus = 2 if options.what.startswith(("sgi_other", "evtchn_spin", "evtchn_wfi")) else 1
    if options.what.startswith("evtchn"):
        words = f"sleep={int(options.what != 'evtchn_spin')} fp={int(options.what.endswith('_fp'))} endless=1"
        domains = event_domains(guest, words, cpus == 1)
    else:
        domains = [Domain(guest, f"role=bench loop={options.what}", cpus=cpus)]
    command, serial = prepare(options, domains, folder, cpus)
    log, control = os.path.join(folder, "log"), os.path.join(folder, "monitor")
    command += ["-monitor", f"unix:{control},server=on,wait=off"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            connection = monitor(control)
            wait_for(lambda: contains(serial, "I loop"), 60, "the guest's loop")
            time.sleep(0.5)
            for line in ("one-insn-per-tb on", f"logfile {log}", "log exec,nochain"):
                connection.sendall(line.encode() + b"\n")
            wait_for(lambda: os.path.exists(log) and os.path.getsize(log) > LOG_SIZE, 120, "the log")
        finally:
            process.kill()
    return log


def record_boot(options, guest, folder):
    """Runs from reset until the guest has printed its first line."""
    command, serial = prepare(options, [Domain(guest, "role=hello")], folder, 1)
    log = os.path.join(folder, "log")
    command += ["-monitor", "none", "-accel", "tcg,one-insn-per-tb=on", "-d", "exec,nochain", "-D", log]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: contains(serial, "B first"), 300, "the guest's first line")
        finally:
            process.kill()
    return log


def steps_of(log):
    """(cpu, pc) of every instruction in the log."""
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            match = LINE.match(line)
            if match:
                yield int(match[1]), int(match[2], 16)


def read_rounds(log, mark, symbols):
    """Splits the log at the guest's mark: a list of rounds, each a list of (cpu, pc, function or None)."""
    rounds, current = [], None
    for cpu, pc in steps_of(log):
        place = symbols.at(pc)
        if place is None and pc % PAGES == mark:
            if current is not None:
                rounds.append(current)
            current = []
        if current is not None:
            current.append((cpu, pc, place))
    if not rounds:
        raise BenchError("no complete round in the log")
    return rounds


def read_boot(log, symbols):
    """One round: all up to the guest's entry; what runs before translation is moved to its linked address."""
    steps, load = [], None
    for cpu, pc in steps_of(log):
        if pc % PAGES == 0 and symbols.at(pc) is None:
            if load is None and pc != FIRMWARE:
                load = pc
            elif load is not None and pc != load:
                return [steps]
        if load is not None:
            moved = pc if symbols.at(pc) else pc - load + symbols.addresses[0]
            steps.append((cpu, moved, symbols.at(moved)))
    raise BenchError("the guest's entry is not in the log")


def histogram(rounds):
    counts = collections.Counter(place[0] for steps in rounds for _, _, place in steps if place)
    totals = sorted(sum(1 for step in steps if step[2]) for steps in rounds)
    print(f"{len(rounds)} rounds; hypervisor instructions per round: min {totals[0]}, "
          f"median {totals[len(totals) // 2]}, max {totals[-1]}")
    for name, count in counts.most_common():
        print(f"{count / len(rounds):10.2f}  {name}")


def source_lines(rounds, elf):
    """The source lines with most instructions; inlined functions count where they are written."""
    counts = collections.Counter(pc for steps in rounds for _, pc, place in steps if place)
    addresses = list(counts)
    command = ["llvm-symbolizer-19", f"--obj={elf}", "--no-inlines", "--functions=none", "--basenames"]
    text = subprocess.run(command, input="\n".join(f"{a:#x}" for a in addresses), check=True, text=True,
                          capture_output=True, timeout=300).stdout.split()
    by_line = collections.Counter()
    for address, line in zip(addresses, text):
        by_line[line.rsplit(":", 1)[0]] += counts[address]
    print()
    for line, count in by_line.most_common(60):
        print(f"{count / len(rounds):10.2f}  {line}")


def listing(steps, elf):
    """One round, every hypervisor instruction in its order with its disassembly."""
    text = subprocess.run(["llvm-objdump-19", "-d", "--no-show-raw-insn", elf], check=True, text=True,
                          capture_output=True, timeout=120).stdout
    code = dict(m.groups() for m in re.finditer(r"^\s*([0-9a-f]+):\s+(.*)$", text, re.M))
    print()
    guest = 0
    for cpu, pc, place in steps:
        if not place:
            guest += 1
            continue
        if guest:
            print(f"      ... {guest} in the guest")
            guest = 0
        print(f"cpu{cpu}  {place[0]}+{place[1]:#x}\t{code.get(f'{pc:x}', '')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=LOOPS, help="the row")
    parser.add_argument("--out", required=True, help="the build folder")
    parser.add_argument("--image", help="the hypervisor (default: OUT/bulkhead.img)")
    parser.add_argument("--elf", help="its symbols (default: OUT/bulkhead.elf)")
    parser.add_argument("--cpu", default="cortex-a53")
    parser.add_argument("--gic", type=int, default=3, choices=[2, 3])
    parser.add_argument("--lines", action="store_true", help="count by source line as well")
    parser.add_argument("--list", action="store_true", help="print one round by instruction as well")
    options = parser.parse_args()
    options.image = options.image or os.path.join(options.out, "bulkhead.img")
    options.elf = options.elf or os.path.join(options.out, "bulkhead.elf")
    guest = os.path.join(options.out, "bench", "guest")
    symbols = Symbols(options.elf)
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "boot":
            rounds = read_boot(record_boot(options, f"{guest}.img", folder), symbols)
        else:
            mark = Symbols(f"{guest}.elf").address("trace_mark")
            rounds = read_rounds(record_loop(options, f"{guest}.img", folder), mark, symbols)
    histogram(rounds)
    if options.lines:
        source_lines(rounds, options.elf)
    if options.list:
        listing(rounds[len(rounds) // 2], options.elf)


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"trace: {error}")
