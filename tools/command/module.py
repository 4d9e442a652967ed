# SPDX-License-Identifier: Apache-2.0
"""Build the channel module (linux/channel) for the fetched kernel, with clang, in the build folder.

Debian's kernel was built with gcc, and its configuration says so; a module may come from another compiler. What the
kernel's Makefile derives from that answer is therefore answered for clang here."""
import os
import shutil
import subprocess

from . import fetch, headers, paths
from .errors import UserError

NAME = "bulkhead_channel"
SOURCES = paths.SOURCE / "linux/channel"
INCLUDE = paths.SOURCE / "include"
LLVM = "-19"
ANSWERS = ("CONFIG_CC_IS_GCC=", "CONFIG_CC_IS_CLANG=y", "CONFIG_GCC_VERSION=0",
           "CONFIG_CC_IMPLICIT_FALLTHROUGH=-Wimplicit-fallthrough", "CONFIG_DEBUG_INFO_BTF_MODULES=")


def command(folder, tree, warnings):
    """The kernel's own build, with this folder as the module's."""
    return ["make", "--no-print-directory", "-s", "-C", str(tree), f"M={folder}", "ARCH=arm64", f"LLVM={LLVM}",
            f"CC=clang{LLVM}", *ANSWERS, f"CHANNEL_INCLUDE={INCLUDE}", *(["W=1"] if warnings else []), "modules"]


def inputs():
    return [*sorted(SOURCES.iterdir()), INCLUDE / "bulkhead/channel.h"]


def build(warnings=False):
    """Path of the module, built if anything that it is made from is newer. Fetches the headers if they are missing."""
    fetch.fetch(["linux", headers.NAME])
    folder = paths.output() / "linux"
    module = folder / f"{NAME}-{headers.release()}.ko"
    if not warnings and module.exists() and all(p.stat().st_mtime < module.stat().st_mtime for p in inputs()):
        return module
    work = folder / "channel"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(SOURCES, work)
    # Nothing of the make that may be running above.
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "O", "PROFILE")}
    done = subprocess.run(command(work, headers.tree(), warnings), env=environment, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0 or (warnings and "warning" in done.stdout + done.stderr):
        raise UserError(f"building linux/channel failed:\n{done.stdout}{done.stderr}")
    new = module.with_suffix(".new")
    fetch.run([f"llvm-strip{LLVM}", "--strip-debug", "-o", str(new), str(work / f"{NAME}.ko")])
    new.replace(module)
    return module


def add_arguments(parser):
    parser.add_argument("--warnings", action="store_true", help="with the kernel's W=1; a warning is an error")


def main(arguments):
    print(build(arguments.warnings))
    return 0
