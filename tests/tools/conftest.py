# SPDX-License-Identifier: Apache-2.0
import os
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tools"))
os.environ.setdefault("O", str(SOURCE / "build"))


@pytest.fixture
def image():
    """A small arm64 Image: header, then zeros; image_size counts a bss of 64 KiB."""
    header = bytearray(4096)
    header[0:4] = (0x14000010).to_bytes(4, "little")
    header[16:24] = (65536).to_bytes(8, "little")
    header[56:60] = b"ARM\x64"
    return bytes(header)


@pytest.fixture
def system(tmp_path, image):
    """A folder with a description of two domains and what they load. Returns a function that writes the TOML."""
    (tmp_path / "guest.img").write_bytes(image)
    (tmp_path / "disk.img").write_bytes(b"ramdisk" * 1000)

    def write(text):
        (tmp_path / "system.toml").write_text(text)
        return tmp_path

    return write
