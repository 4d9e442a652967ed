# SPDX-License-Identifier: Apache-2.0
"""The host device tree: where it comes from, what the layout must know of it, how /chosen is merged into it."""
import struct
import subprocess
import tempfile
from pathlib import Path

from .errors import UserError


def dtc(source, form, to, where):
    """Run dtc over bytes. Its warnings are about the board vendor's style and are not shown; its errors are."""
    with tempfile.TemporaryDirectory(prefix="bulkhead-") as folder:
        path = Path(folder) / "in"
        path.write_bytes(source)
        try:
            done = subprocess.run(["dtc", "-q", "-I", form, "-O", to, "-o", "-", str(path)], capture_output=True,
                                  check=False)
        except FileNotFoundError as error:
            raise UserError("dtc is missing: run ./setup") from error
        if done.returncode != 0:
            raise UserError(f"{where}: {done.stderr.decode(errors='replace').strip().replace(str(path), where)}")
        return done.stdout


def read(path):
    """A device tree blob from a .dtb or .dts file."""
    data = path.read_bytes()
    if data[:4] == b"\xd0\x0d\xfe\xed":
        return data
    return dtc(data, "dts", "dtb", str(path))


def of_qemu(board):
    """The device tree that QEMU makes for a machine."""
    with tempfile.TemporaryDirectory(prefix="bulkhead-") as folder:
        path = Path(folder) / "host.dtb"
        # Seeds would make every set different; no guest receives the host's.
        seeds = ",dtb-randomness=off" if board.machine.split(",")[0] == "virt" else ""
        command = ["qemu-system-aarch64", "-machine", f"{board.machine}{seeds},dumpdtb={path}", "-cpu", board.cpu,
                   "-smp", str(board.smp), "-m", f"{board.memory // 1024**2}M", "-display", "none", "-nodefaults",
                   *board.qemu]
        try:
            done = subprocess.run(command, capture_output=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
        except FileNotFoundError as error:
            raise UserError("qemu-system-aarch64 is missing: run ./setup") from error
        if not path.exists():
            raise UserError(f"QEMU gave no device tree: {done.stderr.decode(errors='replace').strip()}")
        return path.read_bytes()


def nodes(blob, where):
    """(path, properties) of every node, in order. Properties are bytes by name."""
    try:
        magic, total, structure, strings = struct.unpack_from(">IIII", blob)
        if magic != 0xD00DFEED or total > len(blob):
            raise UserError(f"{where}: no device tree, or a truncated one")
        found, path, at = [], [], structure
        while True:
            token, = struct.unpack_from(">I", blob, at)
            at += 4
            if token == 1:
                end = blob.index(b"\0", at)
                path.append(blob[at:end].decode("ascii"))
                found.append(("/".join(path) or "/", {}))
                at = (end + 4) // 4 * 4
            elif token == 2:
                path.pop()
            elif token == 3:
                length, name = struct.unpack_from(">II", blob, at)
                name = blob[strings + name:blob.index(b"\0", strings + name)].decode("ascii")
                found[-1][1][name] = blob[at + 8:at + 8 + length]
                at = (at + 8 + length + 3) // 4 * 4
            elif token == 9:
                return found
            elif token != 4:
                raise UserError(f"{where}: malformed device tree at offset {at - 4}")
    except (struct.error, ValueError, IndexError) as error:
        raise UserError(f"{where}: malformed device tree: {error}") from error


def pairs(reg, address, length):
    """(address, length) pairs of a reg value with the given cell counts."""
    step = 4 * (address + length)
    return [(int.from_bytes(reg[i:i + 4 * address], "big"), int.from_bytes(reg[i + 4 * address:i + step], "big"))
            for i in range(0, len(reg) - step + 1, step)]


class Host:
    """RAM and reservations of a host device tree, as (base, length) lists."""

    def __init__(self, blob, where):
        self.memory, self.reserved = [], []
        cells, found = {}, nodes(blob, where)
        offset = struct.unpack_from(">I", blob, 16)[0]
        while any(blob[offset:offset + 16]):
            if offset + 16 > len(blob):
                raise UserError(f"{where}: malformed device tree: the list of reservations has no end")
            self.reserved.append(struct.unpack_from(">QQ", blob, offset))
            offset += 16
        for path, properties in found:
            cells[path] = [int.from_bytes(properties.get(name, bytes([default])), "big")
                           for name, default in (("#address-cells", 2), ("#size-cells", 1))]
            parent = path.rpartition("/")[0] or "/"
            if properties.get("device_type") == b"memory\0" and parent == "/":
                self.memory += pairs(properties.get("reg", b""), *cells["/"])
            elif parent == "/reserved-memory":
                self.reserved += pairs(properties.get("reg", b""), *cells[parent])
        if not self.memory:
            raise UserError(f"{where}: no memory node (a boot loader would make it): describe the RAM in [board] dts")


def merge(blob, text, where):
    """The blob with further source text (nodes and properties) appended, as ImageBuilder's fdt commands would do."""
    source = dtc(blob, "dtb", "dts", "host device tree") + text.encode()
    return dtc(source, "dts", "dtb", where)
