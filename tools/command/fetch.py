# SPDX-License-Identifier: Apache-2.0
"""Download the guests from Debian's archive: always Debian 12 for arm64, whatever this machine is.

apt does the downloading and checks the archive's signatures, with a source list and a state folder of our own, so that
neither the sources nor the foreign architectures of this machine matter, and nothing is installed or changed on it.
Packages are unpacked with dpkg-deb -x.
"""
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

from . import confined, headers, kernel, paths
from .errors import UserError

MIRROR = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# name: (package, path or pattern inside it, what it is). "=meta" stands for what that metapackage depends on.
ITEMS = {
    "linux": ("=linux-image-arm64", "boot/vmlinuz-*", "Debian's arm64 kernel, as an uncompressed Image"),
    "busybox": ("busybox-static", "bin/busybox", "busybox, statically linked, for arm64"),
    "u-boot": ("u-boot-qemu", "usr/lib/u-boot/qemu_arm64/u-boot.bin", "U-Boot for QEMU's virt machine"),
    "xen": ("xen-hypervisor-4.17-arm64", "boot/xen-4.17-arm64", "the Xen that the benchmark compares with"),
}
DEFAULT = ("linux", headers.NAME, "busybox", "u-boot")
OTHERS = {headers.NAME: headers, confined.NAME: confined}
NAMES = (*ITEMS, *OTHERS)


def folder():
    return paths.cache() / "debian12-arm64"


def item(name):
    """Path of a fetched item. Raises UserError if it has not been fetched."""
    if name == confined.NAME:
        return confined.tree()
    if name not in ITEMS:
        raise UserError(f'nothing is called "{name}" in the cache; there is: {", ".join(ITEMS)}')
    path = folder() / name
    if not path.exists():
        raise UserError(f"{path} is missing: run `tools/bulkhead fetch {name}`")
    return path


def apt_options(state, architectures=("arm64",)):
    sources = state / "sources.list"
    return [
        "-o", f"Dir::State={state}/state", "-o", f"Dir::Cache={state}/cache",
        "-o", f"Dir::State::status={state}/status", "-o", f"Dir::Etc::sourcelist={sources}",
        "-o", "Dir::Etc::sourceparts=/dev/null", "-o", "Dir::Etc::preferencesparts=/dev/null",
        "-o", "Dir::Etc::preferences=/dev/null",
        "-o", "APT::Architecture=arm64", "-o", f"APT::Architectures={','.join(architectures)}",
        "-o", "APT::Sandbox::User=root",
        "-o", "Acquire::Languages=none", "-o", "APT::Get::List-Cleanup=0", "-o", "Dpkg::Use-Pty=0",
        "-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=60",
    ]


def prepare(state, architectures=("arm64",)):
    """A private apt state with nothing in it but Debian 12's sources."""
    if not Path(KEYRING).exists():
        raise UserError(f"{KEYRING} is missing: install debian-archive-keyring")
    for sub in ("state/lists/partial", "cache/archives/partial"):
        (state / sub).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    mirror = os.environ.get("BULKHEAD_DEBIAN_MIRROR", MIRROR)
    security = os.environ.get("BULKHEAD_DEBIAN_SECURITY_MIRROR", SECURITY)
    option = f"[arch={','.join(architectures)} signed-by={KEYRING}]"
    (state / "sources.list").write_text(
        f"deb {option} {mirror} bookworm main\n"
        f"deb {option} {mirror} bookworm-updates main\n"
        f"deb {option} {security} bookworm-security main\n")


def run(command, **options):
    try:
        return subprocess.run(command, check=True, **options)
    except FileNotFoundError as error:
        raise UserError(f"{command[0]} is missing; this needs a Debian system") from error
    except subprocess.CalledProcessError as error:
        raise UserError(f"`{' '.join(command[:2])}` failed with status {error.returncode}") from error


def package_of(name, options):
    package = ITEMS[name][0]
    if not package.startswith("="):
        return package
    shown = run(["apt-cache", *options, "depends", package[1:]], stdout=subprocess.PIPE, text=True).stdout
    found = re.search(r"Depends: (\S+)", shown)
    if not found:
        raise UserError(f"the archive's {package[1:]} depends on nothing")
    return found.group(1)


def announce(packages, options):
    """Say what will be downloaded, with sizes, before it starts. Returns the file names that apt will use."""
    shown = run(["apt-get", *options, "--print-uris", "download", *packages], stdout=subprocess.PIPE, text=True).stdout
    files, total = [], 0
    for _, file, size in re.findall(r"^'([^']+)' (\S+) (\d+)", shown, re.M):
        print(f"  {urllib.parse.unquote(file)}: {int(size) / 1e6:.1f} MB", flush=True)
        files.append(file)
        total += int(size)
    print(f"  together {total / 1e6:.0f} MB; usually under a minute", flush=True)
    return files


def unpack(name, deb, target):
    """Take the one file that `name` stands for out of a package."""
    root = target / f".root-{name}"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    run(["dpkg-deb", "-x", str(deb), str(root)])
    found = sorted(root.glob(ITEMS[name][1])) or sorted((root / "usr").glob(ITEMS[name][1]))
    if not found:
        raise UserError(f"{deb.name} has no {ITEMS[name][1]}")
    temporary = target / f".new-{name}"
    if name in ("linux", "xen"):
        temporary.write_bytes(kernel.unpack(found[0].read_bytes(), found[0].name))
    else:
        shutil.copyfile(found[0], temporary)
        temporary.chmod(found[0].stat().st_mode & 0o777)
    modules = root / "lib/modules"
    if name == "linux" and modules.is_dir():
        shutil.rmtree(target / "modules", ignore_errors=True)
        shutil.move(str(modules), str(target / "modules"))
    (target / f"{name}.version").write_text(deb.name.removesuffix(".deb").replace("%3a", ":") + "\n")
    temporary.replace(target / name)
    shutil.rmtree(root)


def update(options):
    print("  reading the archive's index (about 10 MB the first time)", flush=True)
    run(["apt-get", *options, "-q", "update"], stdout=None if sys.stdout.isatty() else subprocess.DEVNULL)


def download(packages, state, options):
    """A folder with these packages, which the caller removes."""
    downloads = state / "downloads"
    shutil.rmtree(downloads, ignore_errors=True)
    downloads.mkdir()
    quiet = [] if sys.stdout.isatty() else ["-q"]
    run(["apt-get", *options, *quiet, "download", *packages], cwd=downloads)
    return downloads


def fetch(names, refresh=False):
    """Fetch what is missing of these. Headers are those of the kernel, which comes first."""
    items = [name for name in names if name in ITEMS]
    if headers.NAME in names and "linux" not in items:
        fetch_items(["linux"], False)
    fetch_items(items, refresh)
    if headers.NAME in names:
        headers.get(refresh)
    if confined.NAME in names:
        confined.get(refresh)


def fetch_items(names, refresh):
    target = folder()
    wanted = [name for name in names if refresh or not (target / name).exists()]
    if not wanted:
        return
    print(f"Fetching from the Debian 12 archive into {target}: {', '.join(wanted)}", flush=True)
    state = paths.cache() / "apt"
    prepare(state)
    target.mkdir(parents=True, exist_ok=True)
    options = apt_options(state)
    update(options)
    packages = {name: package_of(name, options) for name in wanted}
    announce(list(packages.values()), options)
    downloads = download(packages.values(), state, options)
    for name, package in packages.items():
        debs = sorted(downloads.glob(f"{package}_*.deb"))
        if not debs:
            raise UserError(f"apt downloaded no {package}")
        unpack(name, debs[0], target)
        print(f"  {name}: {(target / f'{name}.version').read_text().strip()}", flush=True)
    shutil.rmtree(downloads)


def add_arguments(parser):
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to fetch: {', '.join(NAMES)} "
                        f"(default: {' '.join(DEFAULT)})")
    parser.add_argument("--refresh", action="store_true", help="look for newer versions even if they are cached")
    parser.add_argument("--path", action="store_true", help="print where each is cached, and fetch nothing")


def main(arguments):
    names = arguments.names or list(DEFAULT)
    for name in names:
        if name not in NAMES:
            raise UserError(f'nothing is called "{name}"; there is: {", ".join(NAMES)}')
    if arguments.path:
        for name in names:
            print(item(name) if name in ITEMS else OTHERS[name].tree())
        return 0
    fetch(names, arguments.refresh)
    return 0
