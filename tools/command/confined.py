# SPDX-License-Identifier: Apache-2.0
"""A kernel whose VIRTIO drivers need not show their backend all memory: Debian's linux-source, built here.

Debian's own arm64 kernel has neither XEN_VIRTIO (grants) nor DMA_RESTRICTED_POOL (bounce). This one is tinyconfig and
confined.config, built with the compiler that everything else is built with. Cached beside the other guests, and made
anew when confined.config has changed."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import fetch, paths
from .errors import UserError

NAME = "linux-confined"
ABOUT = "a kernel for `bounce` and `grants`, built from Debian's source (5 to 10 minutes)"
PACKAGE = "linux-source-6.1"
CONFIG = Path(__file__).with_name("confined.config")
PROGRAMS = ("make", "clang-19", "ld.lld-19", "flex", "bison", "bc", "perl", "xz")
LLVM = "-19"


def image():
    return fetch.folder() / NAME


def config_hash():
    return hashlib.sha256(CONFIG.read_bytes()).hexdigest()[:16]


def present():
    version = fetch.folder() / f"{NAME}.version"
    return image().is_file() and version.is_file() and version.read_text().split()[-1] == config_hash()


def tree():
    """Path of the kernel. Raises UserError if it has not been built for this configuration."""
    if not present():
        raise UserError(f"{image()} is missing or of another configuration: run `tools/bulkhead fetch {NAME}`")
    return image()


def source(refresh):
    """The archive of the source, downloaded if it is missing. Returns it and the package's file name."""
    kept, version = fetch.folder() / f"{PACKAGE}.tar.xz", fetch.folder() / f"{PACKAGE}.version"
    if not kept.is_file() or not version.is_file() or refresh:
        print(f"Fetching from the Debian 12 archive into {fetch.folder()}: {PACKAGE}", flush=True)
        state = paths.cache() / "apt"
        fetch.prepare(state)
        fetch.folder().mkdir(parents=True, exist_ok=True)
        options = fetch.apt_options(state)
        fetch.update(options)
        fetch.announce([PACKAGE], options)
        downloads = fetch.download([PACKAGE], state, options)
        deb = next(downloads.glob("*.deb"))
        fetch.run(["dpkg-deb", "-x", str(deb), str(downloads / "root")])
        shutil.move(next((downloads / "root/usr/src").glob("*.tar.xz")), kept)
        version.write_text(deb.name.removesuffix(".deb").replace("%3a", ":") + "\n")
        shutil.rmtree(downloads)
    return kept, version.read_text().strip()


def make(folder, *words, **options):
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "O", "PROFILE")}
    environment |= {"KBUILD_BUILD_TIMESTAMP": "2024-01-01",
                    "KBUILD_BUILD_USER": "nobody", "KBUILD_BUILD_HOST": "nowhere"}
    return subprocess.Popen(["make", "--no-print-directory", "-C", str(folder), "ARCH=arm64", f"LLVM={LLVM}", *words],
                            env=environment, text=True, stderr=subprocess.STDOUT, **options)


def configure(folder, log):
    """tinyconfig and ours. Raises UserError if an option did not take: its name or what it needs has changed."""
    (folder / "kernel/configs/confined.config").write_text(CONFIG.read_text())
    if make(folder, "tinyconfig", "confined.config", stdout=log).wait() != 0:
        raise UserError(f"configuring the kernel failed: see {log.name}")
    taken = (folder / ".config").read_text().splitlines()
    lacks = [line for line in CONFIG.read_text().splitlines() if line.startswith("CONFIG_") and line not in taken]
    if lacks:
        raise UserError(f"this kernel's configuration did not take {' '.join(lacks)}")


def compile_kernel(folder, log):
    """Image, with a count of the files that are done, which is about 1,500 in the end."""
    jobs = str(os.cpu_count() or 1)
    done, tail = 0, []
    building = make(folder, f"-j{jobs}", "Image", stdout=subprocess.PIPE)
    for line in building.stdout:
        log.write(line)
        tail = [*tail[-20:], line]
        done += bool(re.match(r"\s+(CC|AS|LD|HOSTCC) ", line))
        if done % 100 == 0 and re.match(r"\s+CC ", line):
            print(f"  {done} files compiled", end="\r" if sys.stdout.isatty() else "\n", flush=True)
    if building.wait() != 0:
        raise UserError(f"building the kernel failed; {log.name} ends with:\n{''.join(tail)}")


def get(refresh=False):
    """Build it, if it is missing."""
    if present() and not refresh:
        return
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise UserError(f"{', '.join(missing)}: missing; run ./setup")
    archive, package = source(refresh)
    work = fetch.folder() / f".build-{NAME}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    print(f"Building {NAME} from {package}: 5 to 10 minutes on two cores, 1.5 GB of disk meanwhile", flush=True)
    fetch.run(["tar", "-xf", str(archive), "-C", str(work), "--strip-components=1"])
    with open(fetch.folder() / f"{NAME}.log", "w", encoding="utf-8") as log:
        configure(work, log)
        compile_kernel(work, log)
    new = fetch.folder() / f".new-{NAME}"
    shutil.copyfile(work / "arch/arm64/boot/Image", new)
    shutil.copyfile(work / ".config", fetch.folder() / f"{NAME}.config")
    new.replace(image())
    (fetch.folder() / f"{NAME}.version").write_text(f"{package} {config_hash()}\n")
    shutil.rmtree(work)
    print(f"  {NAME}: {package}, {image().stat().st_size / 1e6:.1f} MB", flush=True)
