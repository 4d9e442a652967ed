# SPDX-License-Identifier: Apache-2.0
"""Kernel images: unpack compressed ones, read the arm64 Image header (Linux: arch/arm64/booting.rst)."""
import lzma
import struct
import zlib

from .errors import UserError

IMAGE_MAGIC = b"ARM\x64"
HEADER_SIZE = 64


def is_image(data):
    return len(data) >= HEADER_SIZE and data[56:60] == IMAGE_MAGIC


def unpack(data, name):
    """The kernel without gzip, xz, lzma or EFI-zboot around it. Anything else comes back as it is."""
    if data[:2] == b"\x1f\x8b":
        return zlib.decompressobj(wbits=31).decompress(data)
    if data[:6] == b"\xfd7zXZ\0" or data[:3] == b"\x5d\0\0":
        return lzma.decompress(data)
    if data[:2] == b"MZ" and data[4:8] == b"zimg":
        offset, size = struct.unpack_from("<II", data, 8)
        return unpack(data[offset:offset + size], name)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        raise UserError(f"{name}: zstd kernels cannot be unpacked here: use `zstd -d` first")
    if data[:4] == b"\x27\x05\x19\x56":
        raise UserError(f"{name}: this is a U-Boot uImage; give the arm64 Image that it was made from")
    return data


def check(data, name):
    """Raise UserError unless data is something that the hypervisor starts."""
    if is_image(data) or data[:4] == struct.pack("<I", 0x14000008):
        return
    if data[:4] == b"\x7fELF":
        raise UserError(f"{name}: this is an ELF file; convert it with `llvm-objcopy -O binary` and give it an arm64 "
                        "Image header")
    raise UserError(f"{name}: no arm64 Image header (the bytes ARM\\x64 at offset 56)")


def memory_size(data):
    """Bytes that an Image occupies while it runs: image_size of the header, which counts the bss."""
    declared = struct.unpack_from("<Q", data, 16)[0] if is_image(data) else 0
    return max(declared, len(data))


def text_offset(data):
    return struct.unpack_from("<Q", data, 8)[0] if is_image(data) else 0
