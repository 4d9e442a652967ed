# SPDX-License-Identifier: Apache-2.0
"""Verbs of the bulkhead command."""
import argparse
import importlib
import sys

from .errors import UserError

VERBS = {
    "image": "compose a bootable set from a description: device tree, load addresses, QEMU and U-Boot scripts",
    "run": "compose a set and start it in QEMU",
    "check": "apply the boot rules to a device tree on this machine and print the partition table",
    "map": "draw the partition table of a device tree as an SVG picture",
    "log": "read the log ring of the hypervisor from a memory dump",
    "initramfs": "compose a small initramfs with busybox and an /init script",
    "module": "build the Linux module for channels for the fetched kernel",
    "fetch": "download the guests (kernels, headers, busybox, U-Boot, Xen) from the Debian 12 archive into the cache",
}


def main(arguments):
    parser = argparse.ArgumentParser(prog="bulkhead", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    # Only the chosen verb's module is loaded: `fetch` must work before libfdt is installed.
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    modules = {}
    for verb, text in VERBS.items():
        sub = verbs.add_parser(verb, help=text, description=text[0].upper() + text[1:] + ".")
        if verb == chosen:
            modules[verb] = importlib.import_module(f".{verb}", __package__)
            modules[verb].add_arguments(sub)
    # The offline check reads its own options: they pass through untouched.
    if chosen in ("check", "map") and not {"-h", "--help"} & set(arguments):
        parsed = argparse.Namespace(verb=chosen, arguments=[word for word in arguments if word != chosen])
    else:
        parsed = parser.parse_args(arguments)
    try:
        return modules[parsed.verb].main(parsed)
    except UserError as error:
        print(f"bulkhead {parsed.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
