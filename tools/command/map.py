# SPDX-License-Identifier: Apache-2.0
"""`bulkhead map`: see check.py."""
from . import check

add_arguments = check.add_arguments


def main(arguments):
    return check.main(arguments, "map")
