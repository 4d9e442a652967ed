# SPDX-License-Identifier: Apache-2.0
"""Looks at a running machine from outside: a disk image held against what a frontend says was acknowledged.

The frontend keeps a table in its memory (tests/system/linux/blkcheck.c): for each block of the disk the version that
it is writing (`started`, stored before the request is made), and the CRC and version that were acknowledged last
(stored when the answer has come). The memory of the machine is a file that this reads.

One look is: the table, the disk, the table again. A block that no write was on its way to from the first table to the
second (started = acknowledged before, started the same after) must be on the disk with the CRC of that version. Any
other block must hold a version between the one that was acknowledged before and the one that was started after.
So a look is right at any moment, whatever the frontend does meanwhile."""

import dataclasses
import os
import struct
import zlib

BLOCK = 4096
ENTRIES = 255
MARK = b"BlkCheck"
CHUNK = 1 << 20


def with_memory(machine):
    """The same machine with its memory in a file of QEMU's that others may open."""
    backend = ("-object", f"memory-backend-memfd,id=memory,size={machine.mem}M,share=on")
    return dataclasses.replace(machine, machine_options=machine.machine_options + ",memory-backend=memory",
                               options=machine.options + backend)


class Outside:
    """A disk image and the table of the frontend that writes it; use after the frontend has begun."""

    def __init__(self, r, path):
        self.memory = self._open(r.process.pid)
        self.disk = os.open(path, os.O_RDONLY)
        self.pages = self._find()
        self.looks = self.compared = self.settled = 0

    @staticmethod
    def _open(pid):
        folder = f"/proc/{pid}/fd"
        for name in os.listdir(folder):
            if os.readlink(f"{folder}/{name}").startswith("/memfd:memory-backend"):
                return os.open(f"{folder}/{name}", os.O_RDONLY)
        raise AssertionError("QEMU has no memory file")

    def _find(self):
        """Where the pages of the table are, in order."""
        found, at, total = {}, 0, None
        size = os.fstat(self.memory).st_size
        while at < size:
            try:
                at = os.lseek(self.memory, at, os.SEEK_DATA) // BLOCK * BLOCK
            except OSError:
                break
            data = os.pread(self.memory, CHUNK, at)
            for page in range(0, len(data), BLOCK):
                if data[page:page + 8] == MARK:
                    number, total = struct.unpack_from("<II", data, page + 8)
                    found[number] = at + page
            at += CHUNK
        assert total and sorted(found) == list(range(total)), f"{len(found)} of {total} pages of the table are found"
        return [found[i] for i in range(total)]

    def close(self):
        os.close(self.memory)
        os.close(self.disk)

    def table(self):
        """(started, crc, acknowledged) of all blocks, as one flat sequence of four numbers each."""
        words = []
        for at in self.pages:
            page = os.pread(self.memory, BLOCK, at)
            assert page[:8] == MARK, "a page of the table has moved"
            words += struct.unpack_from(f"<{ENTRIES * 4}I", page, 16)
        return words

    def look(self, blocks):
        """Compares; returns what is wrong as a list of texts."""
        wrong = []
        before = self.table()
        data = b"".join(os.pread(self.disk, CHUNK, at) for at in range(0, blocks * BLOCK, CHUNK))
        after = self.table()
        view = memoryview(data)
        for block in range(blocks):
            started, acknowledged = before[block * 4], before[block * 4 + 2]
            if acknowledged == 0:
                continue
            self.compared += 1
            if started == acknowledged == after[block * 4]:
                self.settled += 1
                if zlib.crc32(view[block * BLOCK:(block + 1) * BLOCK]) == after[block * 4 + 1]:
                    continue
                where, version = struct.unpack_from("<QQ", data, block * BLOCK)
                wrong.append(f"block {block}: version {acknowledged} was acknowledged; {version} of {where} is there")
            else:
                where, version = struct.unpack_from("<QQ", data, block * BLOCK)
                if where != block or not acknowledged <= version <= after[block * 4]:
                    wrong.append(f"block {block}: {acknowledged} to {after[block * 4]}; {version} of {where} is there")
        self.looks += 1
        return wrong
