# SPDX-License-Identifier: Apache-2.0
"""Writes the dom0less description: a machine's own device tree plus domains under /chosen."""

import dataclasses
import os
import re
import subprocess


@dataclasses.dataclass
class Module:
    path: str
    address: int = 0        # chosen by lay_out() when 0

    @property
    def size(self):
        return os.path.getsize(self.path)


@dataclasses.dataclass
class Domain:
    """One xen,domain node. memory is in KiB; properties and nodes are device tree source, used as they are."""

    kernel: str
    bootargs: str = ""
    memory: int = 16384
    cpus: int = 1
    vpl011: bool = True
    ramdisk: str = ""
    partial_tree: str = ""
    properties: str = ""
    nodes: str = ""
    name: str = ""
    modules: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Extension:
    """One bulkhead,extension node; its label is its name."""

    elf: str
    name: str
    properties: str = ""
    modules: dict = dataclasses.field(default_factory=dict)


def cells(value):
    return f"0x{value >> 32:x} 0x{value & 0xffffffff:x}"


def lay_out(machine, domains, first=None):
    """Give every module an address; returns [(path, address)] for the loader. Equal files share one place."""
    at = first if first is not None else machine.ram_base + 0x10000000
    limit = machine.ram_base + machine.mem * 2**20
    placed = {}
    for domain in domains:
        for kind in ("kernel", "ramdisk", "partial_tree", "elf"):
            path = getattr(domain, kind, None)
            if not path:
                continue
            if path not in placed:
                placed[path] = at
                at = (at + os.path.getsize(path) + 0x1fffff) // 0x200000 * 0x200000
            domain.modules[kind] = (placed[path], os.path.getsize(path))
    if at > limit and machine.mem < 3000:
        raise ValueError(f"modules end at 0x{at:x}, RAM at 0x{limit:x}")
    return list(placed.items())


def _module(kind, compatible, place, extra=""):
    address, size = place
    return (f'        module@{address:x}-{kind} {{ compatible = "{compatible}", "multiboot,module"; '
            f"reg = <{cells(address)} {cells(size)}>; {extra}}};\n")


def domain_source(index, domain):
    name = domain.name or f"domU{index}"
    text = f'    {name}: {name} {{\n        compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>;\n'
    text += f"        memory = <{cells(domain.memory)}>; cpus = <{domain.cpus}>;\n"
    if domain.vpl011:
        text += "        vpl011;\n"
    text += f"        {domain.properties}\n" if domain.properties else ""
    text += _module("kernel", "multiboot,kernel", domain.modules["kernel"], f'bootargs = "{domain.bootargs}"; ')
    if domain.ramdisk:
        text += _module("ramdisk", "multiboot,ramdisk", domain.modules["ramdisk"])
    if domain.partial_tree:
        text += _module("dtb", "multiboot,device-tree", domain.modules["partial_tree"])
    text += f"        {domain.nodes}\n" if domain.nodes else ""
    return text + "    };\n"


def extension_source(extension):
    return (f'    {extension.name}: {extension.name} {{\n        compatible = "bulkhead,extension"; '
            f"#address-cells = <2>; #size-cells = <2>;\n        {extension.properties}\n"
            + _module("elf", "bulkhead,extension-image", extension.modules["elf"]) + "    };\n")


def mmio(ipa, server, size=0x1000):
    """A range of the domain that the extension with that label serves."""
    return (f'mmio@{ipa:x} {{ compatible = "bulkhead,mmio"; reg = <{cells(ipa)} {cells(size)}>; '
            f"bulkhead,server = <&{server}>; }};\n")


def virtio(ipa, server, kind="entropy", more=""):
    """A VIRTIO device of the domain, served by the domain with that label; more: further properties."""
    buffers = "" if "bulkhead,buffers" in more else ' bulkhead,buffers = "all";'
    return (f'virtio@{ipa:x} {{ compatible = "bulkhead,virtio"; reg = <{cells(ipa)} 0x0 0x200>; '
            f'bulkhead,class = "{kind}"; bulkhead,server = <&{server}>;{buffers} {more} }};\n')


def dtc(source, blob):
    done = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", blob, source], capture_output=True,
                          timeout=30, check=False)
    if done.returncode:
        raise RuntimeError(f"dtc {source}: {done.stderr.decode()}")


def decompile(blob_bytes):
    done = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts"], input=blob_bytes, capture_output=True, timeout=30,
                          check=True)
    return done.stdout.decode()


def write(machine, domains, folder, hypervisor_args, chosen="", edit=None, extensions=()):
    """Writes folder/host.dts and .dtb; returns (path of the blob, [(module path, address)]).

    chosen: device tree source added to /chosen; edit: a function on the machine's own source text."""
    modules = lay_out(machine, [*domains, *extensions])
    base = decompile(machine.dump_tree())
    if edit:
        base = edit(base)
    text = base + "\n/ { chosen {\n    #address-cells = <2>; #size-cells = <2>;\n"
    if hypervisor_args:
        text += f'    xen,xen-bootargs = "{hypervisor_args}";\n'
    text += "".join(domain_source(i + 1, d) for i, d in enumerate(domains))
    text += "".join(extension_source(e) for e in extensions)
    text += f"    {chosen}\n}}; }};\n"
    source, blob = os.path.join(folder, "host.dts"), os.path.join(folder, "host.dtb")
    with open(source, "w", encoding="ascii") as f:
        f.write(text)
    dtc(source, blob)
    return blob, modules


def console_path(machine):
    """The UART's path in the host tree, for the hypervisor's command line."""
    source = decompile(machine.dump_tree())
    found = re.search(r'stdout-path = "([^"]+)"', source)
    return found.group(1) if found else ""
