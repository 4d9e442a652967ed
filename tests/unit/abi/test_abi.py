# SPDX-License-Identifier: Apache-2.0
"""Our structures and numbers against Xen's public headers: test_abi.py OURS THEIRS, sections of object files."""

import pathlib
import re
import struct
import sys
import unittest

ENTRY = struct.Struct("<248sq")
HERE = pathlib.Path(__file__).parent
HEADERS = HERE.parent.parent.parent / "hypervisor/guest/xen"


def table(path):
    return [(name.rstrip(b"\0").decode(), value) for name, value in ENTRY.iter_unpack(pathlib.Path(path).read_bytes())]


class Abi(unittest.TestCase):
    def test_equal(self):
        ours, theirs = table(sys.argv[1]), table(sys.argv[2])
        self.assertEqual(len(ours), len(theirs))
        self.assertGreater(len(ours), 200)
        wrong = [f"{name}: {value}, Xen has {other}"
                 for (name, value), (_, other) in zip(ours, theirs) if value != other]
        self.assertEqual(wrong, [])

    def test_complete(self):
        """Each structure of the argument headers is in the table, and so is each of its fields but padding."""
        layout = (HERE / "layout.h").read_text()
        missing = []
        for header in sorted(HEADERS.glob("xen_abi_*.h")):
            for name, body in re.findall(r"^struct (\w+) \{\n(.*?)^\};", header.read_text(), re.M | re.S):
                if name.endswith("_side"):
                    continue
                if f"SIZE({name}," not in layout:
                    missing.append(name)
                body = re.sub(r"/\*.*?\*/|union \{.*\} u;", "", body, flags=re.S)
                fields = [f for f in re.findall(r"(\w+)(?:\[\d+\])?[,;]", body) if f not in ("pad", "reserved")]
                if len(fields) > 1:
                    missing += [f"{name}.{f}" for f in fields if not re.search(rf"FIELD\({name}, {f}[,.]", layout)]
        self.assertEqual(missing, [])


unittest.main(argv=sys.argv[:1])
