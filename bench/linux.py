# SPDX-License-Identifier: Apache-2.0
"""Linux, unmodified but for a stub in its header's padding: from kernel entry to the start of init."""

import os
import re
import struct

from machine import BenchError, Domain, Machine, Run
from report import Figure

STUB = 0x8000  # inside the padding between the EFI header and the code of an arm64 Image
NOP = 0xD503201F
MEMORY = 524288  # KiB
COMMAND_LINE = "console=ttyAMA0 quiet bench_entry=0000000000000000"
MARK = re.compile(r"LINUX entry=([0-9a-f]{16}) now=([0-9a-f]{16})")

# What a domain sees, at the addresses of the bare machine: the same drivers probe.
BARE_TREE = """/dts-v1/;
/ {
    #address-cells = <2>; #size-cells = <2>;
    chosen { };
    cpus { #address-cells = <1>; #size-cells = <0>;
        cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a53"; reg = <0>; enable-method = "psci"; }; };
    memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x20000000>; };
    gic: interrupt-controller@8000000 { compatible = "arm,gic-v3"; #interrupt-cells = <3>;
        #address-cells = <0>; interrupt-controller; #redistributor-regions = <1>;
        reg = <0 0x08000000 0 0x10000 0 0x080a0000 0 0x00f60000>; };
    timer { compatible = "arm,armv8-timer"; interrupt-parent = <&gic>;
        interrupts = <1 13 0xf08>, <1 14 0xf08>, <1 11 0xf08>; };
    psci { compatible = "arm,psci-1.0", "arm,psci-0.2", "arm,psci"; method = "hvc";
        cpu_off = <1>; cpu_on = <2>; };
    sbsa-uart@9000000 { compatible = "arm,sbsa-uart"; reg = <0 0x9000000 0 0x1000>; interrupt-parent = <&gic>;
        interrupts = <0 1 0xf04>; current-speed = <115200>; };
};
"""


def patch_kernel(kernel, stub, target):
    """Writes `target`: the kernel with the stub in its padding and the entry branch led over it."""
    with open(kernel, "rb") as file:
        image = bytearray(file.read())
    with open(stub, "rb") as file:
        code = bytearray(file.read())
    if image[0x38:0x3C] != b"ARMd":
        raise BenchError(f"{kernel} is not an arm64 Image")
    padding = struct.unpack_from(f"<{len(code) // 4}I", image, STUB)
    branch = struct.unpack_from("<I", image, 4)[0]
    if any(word != NOP for word in padding) or branch >> 26 != 0b000101:
        raise BenchError(f"{kernel}: no padding at {STUB:#x}, or no branch at 4")
    away = branch - (0b000101 << 26) + 1  # in words, from the Image's start
    last = STUB // 4 + len(code) // 4 - 1
    struct.pack_into("<I", code, len(code) - 4, 0b000101 << 26 | (away - last) % (1 << 26))
    image[STUB:STUB + len(code)] = code
    struct.pack_into("<I", image, 4, 0b000101 << 26 | STUB // 4 - 1)
    with open(target, "wb") as file:
        file.write(image)


def _entry(inode, name, mode, content=b"", device=(0, 0)):
    fields = [inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % value for value in fields) + name.encode() + b"\0"
    head += b"\0" * (-len(head) % 4)
    return head + content + b"\0" * (-len(content) % 4)


def write_initramfs(init, target):
    """A newc archive with init, the console and a place for /proc; the same bytes every time."""
    with open(init, "rb") as file:
        program = file.read()
    parts = [("dev", 0o40755), ("dev/console", 0o20600, b"", (5, 1)), ("proc", 0o40755),
             ("init", 0o100755, program), ("TRAILER!!!", 0)]
    with open(target, "wb") as file:
        for inode, part in enumerate(parts, 1):
            file.write(_entry(inode, *part))


def _boot(name, image, kernel, ramdisk, log):
    machine = Machine(smp=1, hypervisor=name != "bare", memory=2048 if name != "bare" else MEMORY // 1024)
    run = Run(machine, log=log, limit=600)
    if name == "bare":
        text = run.bare(kernel, COMMAND_LINE, ramdisk, BARE_TREE)
    else:
        text = run.hypervisor(image, [Domain(kernel, COMMAND_LINE, memory=MEMORY, ramdisk=ramdisk)])
    mark = MARK.search(text)
    if not mark:
        raise BenchError("init printed no times")
    return int(mark[2], 16) - int(mark[1], 16)


def measure(targets, kernel, work, say):
    """Percent over the bare machine for every target; the bare machine is always run."""
    figures, errors = {}, []
    patched, ramdisk = os.path.join(work, "linux.img"), os.path.join(work, "initramfs.cpio")
    patch_kernel(kernel, os.path.join(work, "entry.bin"), patched)
    write_initramfs(os.path.join(work, "init"), ramdisk)
    say("bare: linux")
    bare = _boot("bare", "", patched, ramdisk, os.path.join(work, "logs", "bare-linux.log"))
    for target in targets:
        if target.name == "bare":
            continue
        say(f"{target.name}: linux")
        try:
            took = _boot(target.name, target.image, patched, ramdisk, target.log("linux"))
            figures[target.name] = Figure.of([(took / bare - 1) * 100])
        except BenchError as error:
            errors.append(f"{target.name}: linux: {error}")
    return figures, errors
