#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The offline check on the corpus: the same refusals as on the target, with the file and line that each comes from."""
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

CHECK, CORPUS = sys.argv.pop(1), Path(sys.argv.pop(1))
KINDS = {"gzip": b"\x1f\x8b", "uimage": b"\x27\x05\x19\x56", "flat": b"\0"}


def image(text_offset=0, image_size=0x10000):
    """The first 64 bytes of an arm64 Image."""
    return struct.pack("<IIQQ", 0, 0, text_offset, image_size).ljust(56, b"\0") + b"ARM\x64".ljust(8, b"\0")


def compile_tree(path, to="dtb"):
    return subprocess.run(["dtc", "-q", "-I", "dts", "-O", to, path], check=True, stdout=subprocess.PIPE).stdout


def module_addresses(path):
    """The first cells of the reg of all modules, as wide as the unit address in their name says that they are."""
    text = compile_tree(path, "dts").decode()
    for body in re.findall(r"\{([^{}]*multiboot,module[^{}]*)\}", text):
        cells = [int(cell, 0) for cell in re.findall(r"0x\w+", (re.findall(r"reg = <(.*?)>", body) or [""])[0])]
        if len(cells) >= 2:
            yield cells[0] if cells[0] != 0 else cells[1]


class Case:
    """One tree of the corpus and what its comments say."""

    def __init__(self, path, folder):
        self.path, self.folder = path, folder
        self.expected, self.modules = [], {}
        for address in module_addresses(path):
            self.modules[address] = image()
        for line in path.read_text().splitlines():
            word = line.split()
            if line.startswith("// expect "):
                self.expected.append((word[2], word[3], "" if word[4] == "-" else word[4], " ".join(word[5:])))
            elif line.startswith("// module "):
                self.add_module(int(word[2], 16), word[3], word[4:])
            elif line and not line.startswith("//"):
                break

    def add_module(self, address, kind, rest):
        if kind == "none":
            self.modules.pop(address, None)
        elif kind == "dtb":
            self.modules[address] = compile_tree(CORPUS / "partial" / f"{rest[0]}.dts")
        elif kind == "image":
            self.modules[address] = image(*[int(number, 16) for number in rest])
        else:
            self.modules[address] = KINDS[kind]

    def run(self, verb, path=None):
        command = [CHECK, verb]
        for address, content in self.modules.items():
            file = Path(self.folder) / f"{address:x}"
            file.write_bytes(content)
            command += ["--module", f"0x{address:x}={file}"]
        return run(*command, path or self.path)


def run(*command):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def trees(kind):
    return sorted((CORPUS / kind).glob("*.dts"))


class Corpus(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def check_messages(self, case, result):
        for severity, place, prop, words in case.expected:
            start = f"{severity}: {place}{' ' + prop if prop else ''}: "
            found = [line for line in result.stderr.splitlines() if start in line and words in line.split(start)[1]]
            self.assertTrue(found, f"missing: {start}{words}\n{result.stderr}")
            if place.startswith("/") and len(place) > 1:
                self.check_place(case, found[0], place, prop)

    def check_place(self, case, line, place, prop):
        """The line that a message names has the property, or a node of the path; the root, if there is none of them."""
        match = re.match(r"(.*?):(\d+): ", line)
        self.assertTrue(match, line)
        name = Path(match[1]).name
        source = (case.path if name == case.path.name else CORPUS / name).read_text().splitlines()[int(match[2]) - 1]
        names = [prop] if prop and prop in source else place.split("/")[1:]
        known = any(name in source for name in names)
        known = known or (source == "/ {" and f"{names[0]} {{" not in case.path.read_text())
        self.assertTrue(known, f"{line}\n{source}")

    def test_broken(self):
        for path in trees("broken"):
            with self.subTest(path.name):
                case = Case(path, self.folder.name)
                result = case.run("check")
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertEqual(result.stdout, "")
                self.check_messages(case, result)
                errors = [line for line in result.stderr.splitlines() if ": error: " in line]
                self.assertLessEqual(len([e for e in case.expected if e[0] == "error"]), len(errors))

    def test_good(self):
        for path in trees("good"):
            with self.subTest(path.name):
                case = Case(path, self.folder.name)
                result = case.run("check")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("machine: ", result.stdout)
                self.check_messages(case, result)
                self.check_memory(result.stdout.split("\nmemory\n")[1])

    def check_memory(self, text):
        """The pieces of RAM follow each other and do not overlap."""
        ranges = [(int(a, 16), int(b, 16)) for a, b in re.findall(r"0x(\w+)-0x(\w+)", text)]
        self.assertTrue(ranges and all(one[1] < two[0] for one, two in zip(ranges, ranges[1:])), text)

    def test_map(self):
        for path in trees("good"):
            with self.subTest(path.name):
                result = Case(path, self.folder.name).run("map")
                self.assertEqual(result.returncode, 0, result.stderr)
                picture = xml.etree.ElementTree.fromstring(result.stdout)
                self.assertTrue(picture.tag.endswith("svg"))

    def test_blob_has_no_lines(self):
        case = Case(CORPUS / "broken" / "cpus-missing.dts", self.folder.name)
        blob = Path(self.folder.name) / "board.dtb"
        blob.write_bytes(compile_tree(case.path))
        result = case.run("check", blob)
        self.assertEqual(result.returncode, 1)
        self.assertIn("board.dtb: error: /chosen/domU1", result.stderr)


class Table(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def test_authority_is_told(self):
        case = Case(CORPUS / "good" / "direct-map-block.dts", self.folder.name)
        result = case.run("check")
        self.assertRegex(result.stdout, r"\n  device    /\S+, interrupt \d+\n")
        self.assertIn("DMA without SMMU: trusted for all RAM", result.stdout)
        self.assertRegex(result.stdout, r"\n  /\S+: hypervisor\n")
        self.assertRegex(result.stdout, r"\n  /\S+: nobody\n")


    def paths(self, name):
        """{(from, to): what}, as the check prints it."""
        result = Case(CORPUS / "good" / f"{name}.dts", self.folder.name).run("check")
        text = result.stdout.split("\nwho reaches whom\n")[1].split("\n\n")[0]
        return result.stdout, dict(re.findall(r"^  (\S+ to \S+(?: RAM)?): (.*)$", text, re.MULTILINE)), text

    def test_channels(self):
        table, paths, _ = self.paths("channels")
        self.assertEqual(paths["linux to control"], "memory camera (8 KiB), memory plain (4 KiB), "
                         "doorbell for interrupt 63, doorbell for interrupt 62")
        self.assertEqual(paths["control to linux"], "memory camera (8 KiB), memory plain (4 KiB), "
                         "doorbell for port 1022, doorbell for interrupt 95")
        self.assertEqual(paths["viewer to linux"], "memory video (4 KiB), event 99 to 1021")
        self.assertEqual(len(paths), 6)
        self.assertIn("  8 KiB  writes camera; control reads\n", table)
        self.assertIn("  port      1023: console\n", table)
        self.assertRegex(table, r"  0x\w+-0x\w+  16 KiB +shared camera\n")

    def test_shared_memory_and_events(self):
        _, paths, _ = self.paths("xen-static-links")
        self.assertEqual(paths["domU1 to domU2"], "memory my-shared-mem-0 (256 MiB, both write), event 10 to 12")
        table, paths, _ = self.paths("shared-roles")
        self.assertEqual(paths, {"sensor to filter": "memory frames (8 KiB)",
                                 "sensor to display": "memory frames (8 KiB)"})
        self.assertIn("  8 KiB  reads frames; sensor writes, display reads\n", table)

    def test_virtio(self):
        table, paths, _ = self.paths("virtio-disk")
        self.assertEqual(paths, {"linux to disk": "doorbell for port 1021, accesses to virtio@2000000",
                                 "disk to linux": "doorbell for interrupt 287, 32 MiB of RAM for virtio@2000000 (all)"})
        self.assertIn("  block virtio@2000000 of disk, buffers all; rings port 1021; "
                      "waits at most 10000 ms, then abort\n", table)
        self.assertIn("  serves    linux: requests at 0x00c000000, port 1022 of its vCPU 0\n", table)
        self.assertIn("  authority sees 32 MiB of linux's RAM while it serves it\n", table)
        self.assertIn("  4 KiB     shared state of linux virtio@2000000\n", table)
        table, paths, _ = self.paths("virtio-bounce")
        self.assertIn(", 4.0 MiB of RAM for virtio@2000000 (bounce) and virtio@2001000 (bounce)",
                      paths["disk to linux"])
        self.assertIn("  4 MiB  writes bounce pool of linux virtio@2000000\n", table)
        table, paths, _ = self.paths("virtio-two-frontends")
        self.assertIn("; waits for ever\n", table)
        self.assertEqual(paths["rng to front"], "doorbell for interrupt 285, 32 MiB of RAM for virtio@2000400 (all)")

    def test_picture_of_virtio(self):
        result = Case(CORPUS / "good" / "virtio-disk.dts", self.folder.name).run("map")
        self.assertIn("served by disk: virtio@2000000", result.stdout)
        self.assertIn("sees RAM of linux: 32 MiB", result.stdout)

    def test_nobody_and_everybody(self):
        self.assertEqual(self.paths("minimal")[2], "  nobody")
        self.assertEqual(self.paths("direct-map-block")[1], {"domU1 to all RAM": "DMA without SMMU"})


class Command(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def test_usage(self):
        self.assertEqual(run(CHECK, "--help").returncode, 0)
        for wrong in [(), ("check",), ("frob", "x.dtb"), ("check", "--module", "1", "x.dtb"),
                      ("check", "--spis", "0", "x.dtb"), ("check", "--what", "x", "y.dtb"), ("check", "/nowhere.dtb"),
                      ("check", "/nowhere.dts"), ("check", "a.dtb", "b.dtb")]:
            self.assertEqual(run(CHECK, *wrong).returncode, 2, wrong)

    def test_malformed(self):
        file = Path(self.folder.name) / "x.dtb"
        for content in [b"", b"\xd0\x0d\xfe\xed", b"\xd0\x0d\xfe\xed" + b"\xff" * 100, b"x" * 1000]:
            file.write_bytes(content)
            result = run(CHECK, "check", file)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("malformed device tree", result.stderr)
        file = file.with_suffix(".dts")
        file.write_text("/dts-v1/; / { x = <1> };")
        result = run(CHECK, "check", file)
        self.assertEqual(result.returncode, 2)
        self.assertIn("x.dts:1", result.stderr)

    def test_output_file(self):
        case = Case(CORPUS / "good" / "minimal.dts", self.folder.name)
        output = Path(self.folder.name) / "table"
        self.assertEqual(run(CHECK, "check", "-q", "-o", output, case.path).returncode, 0)
        self.assertIn("machine: ", output.read_text())
        self.assertEqual(run(CHECK, "check", "-o", "/nowhere/table", case.path).returncode, 2)


if __name__ == "__main__":
    unittest.main()
