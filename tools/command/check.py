# SPDX-License-Identifier: Apache-2.0
"""The offline check is the hypervisor's own boot code, built for this machine: bulkhead-check. These verbs start it."""
import os
import sys

from . import paths
from .errors import UserError


def program():
    path = paths.output() / "bulkhead-check"
    if not path.is_file():
        raise UserError(f"{path} is missing: run `make` first")
    return str(path)


def add_arguments(parser):
    parser.add_argument("arguments", nargs="*", help="the host device tree (.dtb or .dts) and bulkhead-check's options")


def main(arguments, verb="check"):
    sys.stdout.flush()
    path = program()
    os.execv(path, [path, verb, *arguments.arguments])
