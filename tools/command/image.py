# SPDX-License-Identifier: Apache-2.0
"""Compose a bootable set: the files, the final device tree, a QEMU script and a U-Boot script."""
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import description, devicetree, disk, kernel, layout, paths, virtio
from .errors import UserError

MIB = layout.MIB
# QEMU puts the device tree at the next 2 MiB after an (absent) initrd, which it places at 128 MiB or half of RAM;
# a kernel Image with text_offset 0 goes 2 MiB above the start of RAM (hw/arm/boot.c).
QEMU_DTB_MAX = 128 * MIB
QEMU_KERNEL = 2 * MIB


@dataclass
class Module:
    """One file in RAM. `file` is its name in the set."""
    file: str
    data: bytes
    base: int = 0


@dataclass
class Composed:
    """A set: what was placed where, the device tree, and the command that starts it."""
    system: description.System
    folder: Path
    hypervisor: Module
    dtb: Module
    modules: list


class Composer:
    def __init__(self, system, unattended):
        self.system, self.unattended = system, unattended
        self.modules = {}

    def module(self, file, data):
        """The module with this content: domains that use the same file share one copy."""
        for known in self.modules.values():
            if known.data == data:
                return known
        self.modules[file] = Module(file, data)
        return self.modules[file]

    def gather(self):
        """(domain, {kind: Module}) for every domain, contents read and kernels unpacked."""
        parts = []
        for domain in self.system.domains:
            path = description.locate(self.system, domain.kernel)
            data = kernel.unpack(path.read_bytes(), str(path))
            kernel.check(data, str(path))
            if kernel.memory_size(data) > domain.memory:
                raise UserError(f"{self.system.path}: domain {domain.name}: {path.name} needs "
                                f"{kernel.memory_size(data) / 1024:.0f} KiB, more than its memory")
            part = {"multiboot,kernel": self.module(f"{domain.name}-kernel.img", data)}
            if domain.ramdisk is not None:
                data = description.ramdisk_bytes(self.system, domain)
                part["multiboot,ramdisk"] = self.module(f"{domain.name}-ramdisk.img", data)
            if domain.passthrough is not None:
                data = devicetree.read(description.locate(self.system, domain.passthrough))
                part["multiboot,device-tree"] = self.module(f"{domain.name}-passthrough.dtb", data)
            parts.append((domain, part))
        return parts

    def bootargs(self, domain):
        extra = domain.bootargs_unattended if self.unattended else ""
        return f"{domain.bootargs} {extra}".strip()


def cells(value):
    return f"0x{value >> 32:x} 0x{value & 0xffffffff:x}"


def text(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def domain_source(composer, domain, part):
    """The xen,domain node of one domain, in the shape that ImageBuilder writes."""
    lines = [f"{virtio.label(domain.name)}: {domain.name} {{", 'compatible = "xen,domain";',
             "#address-cells = <2>; #size-cells = <2>;", f"memory = <{cells(domain.memory // 1024)}>;",
             f"cpus = <{domain.cpus}>;"]
    if domain.vpl011:
        lines.append("vpl011;")
    if domain.direct_map:
        lines.append("direct-map;")
    if domain.static_mem:
        lines.append("xen,static-mem = <" + " ".join(f"{cells(base)} {cells(length)}" for base, length in
                                                      domain.static_pairs()) + ">;")
    for name in ("restart", "restart_window_ms", "heartbeat_ms", "quiet_ms", "priority", "budget_us", "period_us"):
        value = getattr(domain, name)
        if value is not None:
            lines.append(f"bulkhead,{name.replace('_', '-')} = <0x{value:x}>;")
    if domain.background:
        lines.append("bulkhead,background;")
    for number, pcpus in enumerate(domain.affinity):
        lines.append(f'vcpu{number} {{ compatible = "xen,vcpu"; id = <{number}>; '
                     f"hard-affinity = {text(str(pcpus))}; }};")
    if domain.dts:
        lines.append(domain.dts.strip())
    lines += [virtio.source(device) for device in domain.virtio]
    for kind, module in part.items():
        arguments = composer.bootargs(domain) if kind == "multiboot,kernel" else ""
        lines.append(f'module@{module.base:x} {{ compatible = "{kind}", "multiboot,module"; '
                     f"reg = <{cells(module.base)} {cells(len(module.data))}>;"
                     + (f" bootargs = {text(arguments)};" if arguments else "") + " };")
    return "\n\t\t\t".join(lines) + "\n\t\t};"


def chosen_source(composer, parts):
    hypervisor = composer.system.hypervisor
    lines = ["#address-cells = <2>; #size-cells = <2>;"]
    if hypervisor.bootargs:
        lines.append(f"xen,xen-bootargs = {text(hypervisor.bootargs)};")
    if hypervisor.dts:
        lines.append(hypervisor.dts.strip())
    lines += [domain_source(composer, domain, part) for domain, part in parts]
    board = composer.system.board.dts
    return f"\n{board}\n/ {{\n\tchosen {{\n\t\t" + "\n\t\t".join(lines) + "\n\t};\n};\n"


def compose(system, folder, hypervisor=None, unattended=False):
    """Build the set in `folder` (created; files of an earlier set there are replaced) and return what it holds."""
    composer = Composer(system, unattended)
    parts = composer.gather()
    image = description.locate(system, hypervisor or system.hypervisor.image or "build:bulkhead.img").read_bytes()
    board = system.board
    blob = devicetree.read(board.dtb) if board.dtb else devicetree.of_qemu(board)
    if board.dts:
        host = devicetree.Host(devicetree.merge(blob, "\n" + board.dts, str(system.path)), str(system.path))
    else:
        host = devicetree.Host(blob, str(board.dtb or "QEMU"))
    ram, length = min(host.memory)
    static = [pair for domain in system.domains for pair in domain.static_pairs()]
    dtb_base = ram + min(length // 2, QEMU_DTB_MAX)
    ranges = layout.host_ranges(host, ram, QEMU_KERNEL + kernel.memory_size(image), dtb_base, static)
    for module in composer.modules.values():
        module.base = ranges.place(len(module.data), module.file)
    source = chosen_source(composer, parts)
    dtb = devicetree.merge(blob, source, str(system.path))
    composed = Composed(system, folder, Module("hypervisor.img", image, ram + 2 * QEMU_KERNEL),
                        Module("system.dtb", dtb, dtb_base), list(composer.modules.values()))
    write(composed)
    if kernel_is_ours(image):
        verify(composed)
    return composed


def qemu_command(composed, prefix=""):
    """QEMU's arguments; prefix goes before the names of the set's files."""
    board = composed.system.board
    command = ["qemu-system-aarch64", "-machine", board.machine, "-cpu", board.cpu, "-smp", str(board.smp),
               "-m", f"{board.memory // MIB}M", "-display", "none", "-nodefaults", *board.qemu,
               "-kernel", f"{prefix}hypervisor.img", "-dtb", f"{prefix}system.dtb"]
    for module in composed.modules:
        command += ["-device", f"loader,file={prefix}{module.file},addr=0x{module.base:x},force-raw=on"]
    return command


def uboot_source(composed):
    """The commands of boot.scr. ${load} can be set in U-Boot's environment to load from elsewhere."""
    lines = [f'if test -z "${{load}}"; then setenv load "{composed.system.board.load}"; fi']
    for module in [composed.hypervisor, *composed.modules, composed.dtb]:
        lines.append(f"${{load}} 0x{module.base:x} {module.file} || exit 1")
    # The tree stays where it was loaded: U-Boot does not know that the modules' memory is in use.
    lines += ["setenv fdt_high 0xffffffffffffffff", f"fdt addr 0x{composed.dtb.base:x}", "fdt resize 1024",
              f"booti 0x{composed.hypervisor.base:x} - 0x{composed.dtb.base:x}"]
    return "\n".join(lines) + "\n"


def kernel_is_ours(data):
    """Xen has rules of its own."""
    return b"Bulkhead" in data


def verify(composed):
    """Apply the boot rules to the new tree, with the hypervisor's own code. A contradiction ends the command."""
    program = paths.output() / "bulkhead-check"
    if not program.is_file():
        return
    command = [str(program), "check", "--blob", f"0x{composed.dtb.base:x}", "--image",
               f"0x{composed.hypervisor.base - QEMU_KERNEL:x},0x{kernel.memory_size(composed.hypervisor.data):x}"]
    for module in composed.modules:
        command += ["--module", f"0x{module.base:x}={composed.folder / module.file}"]
    done = subprocess.run([*command, "-q", str(composed.folder / "system.dtb")], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        found = [line.partition(": ")[2] for line in done.stderr.splitlines() if ": error: " in line]
        raise UserError(f"{composed.system.path}: the hypervisor would refuse this:\n  " +
                        "\n  ".join(virtio.explain(composed.system, line)
                                     for line in found or done.stderr.splitlines()))
    (composed.folder / "partition.txt").write_text(done.stdout)
    for line in done.stderr.splitlines():
        if ": warning: " in line:
            print(f"  {virtio.explain(composed.system, line.partition(': ')[2])}")


def write(composed):
    folder = composed.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for module in [composed.hypervisor, composed.dtb, *composed.modules]:
        (folder / module.file).write_bytes(module.data)
    (folder / "system.dts").write_bytes(devicetree.dtc(composed.dtb.data, "dtb", "dts", "system.dtb"))
    command = " \\\n    ".join(shlex.quote(word) for word in qemu_command(composed))
    (folder / "run.sh").write_text(f'#!/bin/sh\ncd "$(dirname "$0")" && exec {command} "$@"\n')
    (folder / "run.sh").chmod(0o755)
    (folder / "boot.source").write_text(uboot_source(composed))
    mkimage = ["mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-d", str(folder / "boot.source"),
               str(folder / "boot.scr")]
    try:
        subprocess.run(mkimage, check=True, stdout=subprocess.DEVNULL)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise UserError(f"mkimage (u-boot-tools) is missing or failed: {error}") from error


def table(composed):
    """The load addresses, for a person."""
    rows = sorted([composed.hypervisor, composed.dtb, *composed.modules], key=lambda module: module.base)
    return "\n".join(f"  0x{m.base:010x}  {-(-len(m.data) // 1024):7d} KiB  {m.file}" for m in rows)


def default_folder(path):
    path = Path(path).resolve()
    return paths.output() / "images" / (path.name if path.is_dir() else path.stem)


def add_arguments(parser):
    parser.add_argument("description", help="a TOML file, or a folder with a system.toml")
    parser.add_argument("-o", "--output", type=Path, help="folder of the set (default: build/images/NAME)")
    parser.add_argument("--hypervisor", metavar="FILE", help="the hypervisor's Image (default: what `make` built; "
                        "cache:xen is Debian's Xen)")
    parser.add_argument("--unattended", action="store_true", help="add each domain's bootargs_unattended")
    parser.add_argument("-v", "--verbose", action="store_true", help="say where each VIRTIO device is, too")
    parser.add_argument("--disk", type=Path, metavar="FILE",
                        help="also write a disk image from which U-Boot starts the set")


def main(arguments):
    system = description.load(arguments.description)
    folder = arguments.output or default_folder(arguments.description)
    if folder.exists() and any(folder.iterdir()) and not (folder / "system.dtb").exists():
        raise UserError(f"{folder} holds something else; give an empty folder")
    hypervisor = arguments.hypervisor
    if hypervisor and ":" not in hypervisor:
        hypervisor = str(Path(hypervisor).absolute())
    composed = compose(system, folder, hypervisor, arguments.unattended)
    print(f"{folder}:\n{table(composed)}\n  run.sh starts it in QEMU, boot.scr under U-Boot (`{system.board.load}`)")
    if arguments.verbose and any(domain.virtio for domain in system.domains):
        print(virtio.table(system))
    if arguments.disk:
        disk.write(arguments.disk, folder)
        print(f"  {arguments.disk}: ext4 disk for U-Boot")
    return 0
