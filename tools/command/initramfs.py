# SPDX-License-Identifier: Apache-2.0
"""Compose a small initramfs (cpio, newc format) without root: the same input gives the same bytes.

The file system holds busybox with a link for each of its usual names, /init, device nodes, empty mount points and the
files that were asked for.
"""
import gzip
import re
import stat
from pathlib import Path

from . import fetch, module
from .errors import UserError

FOLDERS = ("bin", "dev", "etc", "mnt", "proc", "root", "run", "sys", "tmp")
DEVICES = (("dev/console", 5, 1), ("dev/null", 1, 3))
# Commands of Debian's busybox-static that /init scripts and a person at the prompt use.
LINKS = """[ awk base64 basename cat chmod chown clear cmp cp cttyhack cut date dd devmem df dirname dmesg du echo
    env expr false find free grep gunzip gzip halt head hexdump hostname id ifconfig ip kill killall less
    ln ls lsmod mdev mkdir mkfifo mknod modprobe more mount mv nc nproc od ping poweroff printf ps pwd
    readlink realpath reboot rm rmdir rmmod sed seq setsid sh sha256sum sleep sort stat strings stty sync
    tail tar taskset tee test time timeout top touch tr true tty umount uname uniq uptime usleep vi watch
    wc which xargs yes zcat insmod depmod md5sum switch_root""".split()


class Archive:
    def __init__(self):
        self.entries = {}

    def add(self, name, mode, data=b"", device=(0, 0)):
        self.entries[name] = (mode, data, device)

    def pack(self):
        """The archive. Entries are sorted, so that a folder precedes what is in it; times and owners are zero."""
        out = bytearray()
        for number, name in enumerate(sorted(self.entries), start=1):
            mode, data, device = self.entries[name]
            self._entry(out, number, name, mode, data, device)
        self._entry(out, 0, "TRAILER!!!", 0, b"", (0, 0))
        out += bytes(-len(out) % 512)
        return bytes(out)

    @staticmethod
    def _entry(out, number, name, mode, data, device):
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields)
        out += name.encode() + b"\0"
        out += bytes(-len(out) % 4)
        out += data
        out += bytes(-len(out) % 4)


def modules(archive, names):
    """Modules of the fetched kernel, or ours for it, and all that they need; /lib/modules/load lists them in order."""
    root = next(iter(sorted((fetch.folder() / "modules").glob("*"))), None)
    if root is None:
        raise UserError("kernel modules are missing: run `tools/bulkhead fetch --refresh linux`")
    files = {path.name.split(".")[0].replace("-", "_"): path for path in sorted(root.rglob("*.ko*"))}
    if module.NAME in (name.replace("-", "_") for name in names):
        files[module.NAME] = module.build()
    order, waiting = [], [(name.replace("-", "_"), False) for name in reversed(names)]
    while waiting:
        name, expanded = waiting.pop()
        if name in order:
            continue
        if name not in files:
            raise UserError(f"Debian's kernel has no module {name}")
        if expanded:
            order.append(name)
            continue
        waiting.append((name, True))
        found = re.search(rb"\0depends=([^\0]*)\0", files[name].read_bytes())
        needs = found.group(1).decode().split(",") if found else []
        waiting += [(need.replace("-", "_"), False) for need in needs if need]
    for folder in ("lib", "lib/modules"):
        archive.add(folder, stat.S_IFDIR | 0o755)
    for name in order:
        archive.add(f"lib/modules/{name}.ko", stat.S_IFREG | 0o644, files[name].read_bytes())
    archive.add("lib/modules/load", stat.S_IFREG | 0o644, "".join(f"/lib/modules/{n}.ko\n" for n in order).encode())


def build(init, extra=(), kernel_modules=()):
    """gzip-compressed initramfs. init: Path of /init; extra: (name inside, Path) pairs."""
    archive = Archive()
    for folder in FOLDERS:
        archive.add(folder, stat.S_IFDIR | (0o1777 if folder == "tmp" else 0o755))
    for name, major, minor in DEVICES:
        archive.add(name, stat.S_IFCHR | 0o600, device=(major, minor))
    archive.add("bin/busybox", stat.S_IFREG | 0o755, fetch.item("busybox").read_bytes())
    for link in LINKS:
        archive.add(f"bin/{link}", stat.S_IFLNK | 0o777, b"busybox")
    if kernel_modules:
        modules(archive, kernel_modules)
    archive.add("init", stat.S_IFREG | 0o755, Path(init).read_bytes())
    for name, path in extra:
        parts = name.strip("/").split("/")
        for depth in range(1, len(parts)):
            archive.entries.setdefault("/".join(parts[:depth]), (stat.S_IFDIR | 0o755, b"", (0, 0)))
        mode = 0o755 if Path(path).stat().st_mode & 0o100 else 0o644
        archive.add("/".join(parts), stat.S_IFREG | mode, Path(path).read_bytes())
    return gzip.compress(archive.pack(), compresslevel=6, mtime=0)


def add_arguments(parser):
    parser.add_argument("--init", required=True, type=Path, help="the script that becomes /init")
    parser.add_argument("--add", action="append", default=[], metavar="NAME=FILE", help="a further file")
    parser.add_argument("--module", action="append", default=[], metavar="NAME",
                        help="a module of Debian's kernel and what it needs; /lib/modules/load lists them in order")
    parser.add_argument("-o", "--output", required=True, type=Path)


def main(arguments):
    extra = []
    for pair in arguments.add:
        name, equals, file = pair.partition("=")
        if not equals or not Path(file).is_file():
            raise UserError(f"--add {pair}: write NAME=FILE with a file that exists")
        extra.append((name, Path(file)))
    if not arguments.init.is_file():
        raise UserError(f"{arguments.init} does not exist")
    fetch.fetch(["busybox"] + (["linux"] if arguments.module else []))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_bytes(build(arguments.init, extra, arguments.module))
    return 0
