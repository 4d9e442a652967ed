# SPDX-License-Identifier: Apache-2.0
"""A disk image with one ext4 partition that holds a set, made without root."""
import struct
import subprocess
import tempfile
from pathlib import Path

from .errors import UserError

SECTOR = 512
START = 2048  # first sector of the partition
UUID = "6275 6c6b 6865 6164 0000 0000 0000 0001".replace(" ", "")


def write(path, folder):
    """Write an MBR disk with the files of `folder` in the root of its first, bootable partition."""
    used = sum(-(-file.stat().st_size // 4096) * 4096 for file in folder.iterdir())
    sectors = (used + used // 8 + (8 << 20)) // SECTOR // 8 * 8
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".ext4-") as partition:
        partition.truncate(sectors * SECTOR)
        command = ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal,^metadata_csum,^64bit", "-U",
                   f"{UUID[:8]}-{UUID[8:12]}-{UUID[12:16]}-{UUID[16:20]}-{UUID[20:]}", "-E", "root_owner=0:0",
                   "-d", str(folder), partition.name]
        environment = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin", "E2FSPROGS_FAKE_TIME": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        if done.returncode != 0:
            raise UserError(f"mke2fs failed: {done.stderr.decode(errors='replace').strip()}")
        record = bytearray(SECTOR)
        struct.pack_into("<B3xB3xII", record, 446, 0x80, 0x83, START, sectors)
        record[510:512] = b"\x55\xaa"
        with open(path, "wb") as out:
            out.write(record)
            out.seek(START * SECTOR)
            out.write(Path(partition.name).read_bytes())
