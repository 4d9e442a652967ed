# SPDX-License-Identifier: Apache-2.0
"""The headers of the fetched kernel, so that a module for it can be built here.

Three Debian packages unpacked side by side. linux-kbuild is that of this machine's architecture: the headers link to
its programs, so no arm64 program has to run."""
import re
import shutil
import subprocess

from . import fetch, paths
from .errors import UserError

NAME = "linux-headers"
ABOUT = "headers of that kernel, to build modules for it"


def release():
    """The release of the fetched kernel, "6.1.0-56-arm64"."""
    version = fetch.folder() / "linux.version"
    fetch.item("linux")
    found = re.match(r"linux-image-(\S+?)_", version.read_text()) if version.is_file() else None
    if not found:
        raise UserError(f"{version} does not say which kernel this is: run `tools/bulkhead fetch --refresh linux`")
    return found.group(1)


def root():
    """Where the packages are unpacked."""
    return fetch.folder() / NAME


def tree():
    """The folder to build modules in (make -C). Raises UserError if it has not been fetched for this kernel."""
    path = root() / "usr/src" / f"linux-headers-{release()}"
    if not (path / "Makefile").is_file():
        raise UserError(f"{path} is missing: run `tools/bulkhead fetch {NAME}`")
    return path


def present():
    try:
        return tree().is_dir()
    except UserError:
        return False


def packages(host):
    """Names of the packages for the fetched kernel; the last one is for this machine."""
    name = release()
    version, _, flavour = name.rpartition("-")
    series = ".".join(name.split(".")[:2])
    suffix = "" if host == "arm64" else f":{host}"
    return [f"linux-headers-{version}-{flavour}", f"linux-headers-{version}-common", f"linux-kbuild-{series}{suffix}"]


def get(refresh=False):
    """Fetch them, if they are missing."""
    if present() and not refresh:
        return
    host = fetch.run(["dpkg", "--print-architecture"], stdout=subprocess.PIPE, text=True).stdout.strip()
    architectures = ["arm64"] + [host] * (host != "arm64")
    wanted = packages(host)
    print(f"Fetching from the Debian 12 archive into {root()}: {' '.join(wanted)}", flush=True)
    state = paths.cache() / "apt"
    fetch.prepare(state, architectures)
    options = fetch.apt_options(state, architectures)
    fetch.update(options)
    try:
        fetch.announce(wanted, options)
        downloads = fetch.download(wanted, state, options)
    except UserError as error:
        raise UserError(f"{error}: the archive has a newer kernel; run `tools/bulkhead fetch --refresh linux {NAME}`"
                        ) from error
    temporary = fetch.folder() / f".new-{NAME}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for deb in sorted(downloads.glob("*.deb")):
        fetch.run(["dpkg-deb", "-x", str(deb), str(temporary)])
    shutil.rmtree(downloads)
    # The flavour's Makefile names the common one by an absolute path.
    makefile = temporary / "usr/src" / f"linux-headers-{release()}" / "Makefile"
    makefile.write_text(re.sub(r"^include /usr/src/", f"include {root()}/usr/src/", makefile.read_text(), flags=re.M))
    shutil.rmtree(root(), ignore_errors=True)
    temporary.replace(root())
    (fetch.folder() / f"{NAME}.version").write_text(f"{wanted[0]}\n")
    print(f"  {NAME}: {release()}", flush=True)
