# SPDX-License-Identifier: Apache-2.0
"""Read the hypervisor's log ring (hypervisor/core/log.h) from a dump of memory."""
import struct
import sys
from pathlib import Path

from .errors import UserError

MAGIC = b"BHDLOG01"
CHECK = 0x42484C47
HEADER = struct.Struct("<8sIIQQ")


def find(data):
    """(offset, size, written, boots) of every sound ring in a dump."""
    at = data.find(MAGIC)
    while at >= 0:
        if at + HEADER.size <= len(data):
            _, size, check, written, boots = HEADER.unpack_from(data, at)
            if check == size ^ CHECK and size > 0 and at + HEADER.size + size <= len(data):
                yield at, size, written, boots
        at = data.find(MAGIC, at + 8)


def text(data, at, size, written):
    """The stream, oldest byte first. A line whose start was overwritten is left out."""
    ring = data[at + HEADER.size:at + HEADER.size + size]
    if written <= size:
        return ring[:written]
    first = written % size
    stream = ring[first:] + ring[:first]
    return stream[stream.find(b"\n") + 1:]


def boots_of(stream):
    """The stream cut before each line "--- boot N"."""
    parts, current = [], []
    for line in stream.decode("utf-8", errors="replace").splitlines(keepends=True):
        if line.startswith("--- boot ") and current:
            parts.append("".join(current))
            current = []
        current.append(line)
    return parts + ["".join(current)] if current else parts


def add_arguments(parser):
    parser.add_argument("dump", type=Path, help="memory that holds the ring: of `bulkhead,log`, or all of RAM")
    parser.add_argument("--offset", type=lambda value: int(value, 0), help="where the ring begins in the dump "
                        "(default: every place where a sound one is found)")
    parser.add_argument("--boot", choices=("all", "last", "previous"), default="all", help="which boots to show")


def main(arguments):
    try:
        data = arguments.dump.read_bytes()
    except OSError as error:
        raise UserError(f"{arguments.dump}: {error.strerror}") from error
    rings = [ring for ring in find(data) if arguments.offset in (None, ring[0])]
    if not rings:
        where = "" if arguments.offset is None else f" at offset 0x{arguments.offset:x}"
        raise UserError(f"{arguments.dump}: no log ring{where} (no sound header with BHDLOG01)")
    for at, size, written, boots in rings:
        if len(rings) > 1:
            print(f"=== ring at offset 0x{at:x}: {written} bytes written in {boots} boots")
        parts = boots_of(text(data, at, size, written))
        chosen = {"all": parts, "last": parts[-1:], "previous": parts[-2:-1]}[arguments.boot]
        sys.stdout.write("".join(chosen))
    return 0
