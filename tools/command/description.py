# SPDX-License-Identifier: Apache-2.0
"""Read the description of a system (TOML; docs/image.md). Every key is checked: a misspelt one is an error."""
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from . import fetch, initramfs, paths, virtio
from .errors import UserError

UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}
ALWAYS = 0xFFFFFFFF


@dataclass
class Board:
    """The machine. `dtb` or `machine` (QEMU's) says what the host device tree is."""
    dtb: Path | None = None
    machine: str = "virt,virtualization=on,gic-version=3"
    cpu: str = "cortex-a72"
    smp: int = 4
    memory: int = 2 * UNITS["G"]
    qemu: list = field(default_factory=list)
    load: str = "load virtio 0"
    dts: str = ""


@dataclass
class Hypervisor:
    image: str = ""
    bootargs: str = ""
    dts: str = ""


@dataclass
class Domain:
    name: str
    kernel: str
    memory: int
    cpus: int = 1
    ramdisk: str | dict | None = None
    passthrough: str | None = None
    bootargs: str = ""
    bootargs_unattended: str = ""
    vpl011: bool = True
    direct_map: bool = False
    static_mem: list = field(default_factory=list)
    affinity: list = field(default_factory=list)
    restart: int | None = None
    restart_window_ms: int | None = None
    heartbeat_ms: int | None = None
    quiet_ms: int | None = None
    background: bool = False
    priority: int | None = None
    budget_us: int | None = None
    period_us: int | None = None
    virtio: list = field(default_factory=list)
    dts: str = ""

    def static_pairs(self):
        """(base, length) pairs of static_mem, which is written as [[base, size], ...]."""
        pairs = []
        for pair in self.static_mem:
            if not isinstance(pair, list) or len(pair) != 2:
                raise UserError(f"domain {self.name}: static_mem is a list of [base, size]")
            pairs.append((int(pair[0]), size(pair[1], f"domain {self.name}: static_mem")))
        return pairs


@dataclass
class System:
    path: Path
    board: Board
    hypervisor: Hypervisor
    domains: list


def size(value, where):
    """Bytes of "256M" or of a plain number."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    found = re.fullmatch(r"(\d+) ?([KMG])(iB)?", str(value))
    if not found:
        raise UserError(f'{where}: "{value}" is not a size; write for example "256M"')
    return int(found.group(1)) * UNITS[found.group(2)]


def typed(cls, table, where, **fixed):
    """Fill a dataclass from a table; unknown keys, missing keys and wrong types are reported with their place."""
    known = {f.name: f for f in cls.__dataclass_fields__.values()}
    values = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            raise UserError(f"{where}: unknown key `{key}`; known are {', '.join(known)}")
        if name == "memory":
            value = size(value, f"{where}.{key}")
        elif name == "restart" and value in ("always", "never"):
            value = ALWAYS if value == "always" else 0
        expected = known[name].type
        kinds = {int: (int,), str: (str,), bool: (bool,), list: (list,), Path | None: (str,), int | None: (int,),
                 str | None: (str,), str | dict | None: (str, dict)}[expected]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise UserError(f"{where}: `{key}` should be {' or '.join(k.__name__ for k in kinds)}")
        values[name] = value
    values.update(fixed)
    for name in ("name", "kernel", "memory"):
        if cls is Domain and name not in values:
            raise UserError(f"{where}: `{name}` is missing")
    return cls(**values)


def load(path):
    """The System that a file (or the system.toml of a folder) describes."""
    path = Path(path)
    if path.is_dir():
        path = path / "system.toml"
    try:
        source = path.read_text()
        text = tomllib.loads(source)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {error}") from error
    unknown = set(text) - {"board", "hypervisor", "domain"}
    if unknown:
        raise UserError(f"{path}: unknown table {', '.join(sorted(unknown))}; known are board, hypervisor, domain")
    domains = []
    for number, table in enumerate(text.get("domain", []), start=1):
        domain = typed(Domain, table, f"{path}: domain {table.get('name', number)}")
        if not re.fullmatch(r"[A-Za-z0-9,._+-]{1,31}", domain.name) or domain.name in (d.name for d in domains):
            raise UserError(f'{path}: domain name "{domain.name}" is used twice or is no device-tree node name')
        if domain.memory % 1024 or not 1 <= domain.cpus <= 128:
            raise UserError(f"{path}: domain {domain.name}: memory is in whole KiB, cpus from 1 to 128")
        domains.append(domain)
    if not domains:
        raise UserError(f"{path}: no [[domain]]")
    virtio.read(path, source, domains)
    board = typed(Board, text.get("board", {}), f"{path}: board")
    if board.dtb is not None:
        board.dtb = path.parent / board.dtb
    return System(path, board, typed(Hypervisor, text.get("hypervisor", {}), f"{path}: hypervisor"), domains)


def locate(system, reference):
    """The file of a reference: `cache:NAME` (fetched when missing), `build:PATH`, else beside the description."""
    kind, colon, name = reference.partition(":")
    if colon and kind == "cache":
        fetch.fetch([name]) if name in fetch.ITEMS else None
        return fetch.item(name)
    path = paths.output() / name if colon and kind == "build" else system.path.parent / reference
    if not path.is_file():
        hint = "; run `make` first" if colon and kind == "build" else ""
        raise UserError(f"{system.path}: {path} does not exist{hint}")
    return path


def ramdisk_bytes(system, domain):
    """The ramdisk of a domain: a file, or one that is composed here from an /init script."""
    if isinstance(domain.ramdisk, str):
        return locate(system, domain.ramdisk).read_bytes()
    table = dict(domain.ramdisk)
    init, files, modules = table.pop("init", None), table.pop("files", {}), table.pop("modules", [])
    if table or not isinstance(init, str):
        raise UserError(f"{system.path}: domain {domain.name}: ramdisk has the keys init (mandatory), files, modules")
    fetch.fetch(["busybox"] + (["linux"] if modules else []))
    return initramfs.build(locate(system, init), [(n, locate(system, f)) for n, f in files.items()], modules)
