# SPDX-License-Identifier: Apache-2.0
"""The broken trees of tests/corpus, on the target: refused with the node and the reason that their comments name. The
unit tests and the offline check go through the same trees."""

import dataclasses
import glob
import os
import re
import struct

import pytest

import machine as machines
import run
import tree

CORPUS = os.path.join(os.environ.get("SRC", os.path.join(os.path.dirname(__file__), "..", "..")), "tests", "corpus")
KINDS = {"gzip": b"\x1f\x8b", "uimage": b"\x27\x05\x19\x56", "flat": b"\0"}

# What QEMU changes in the tree that it is given, or what a machine without a console cannot say.
NOT_HERE = {
    "no-memory": "QEMU describes its RAM",
    "memory-reg": "QEMU describes its RAM",
    "above-ipa": "QEMU describes its RAM",
    "no-psci": "QEMU adds PSCI",
    "psci-method": "QEMU writes its own",
    "no-chosen": "QEMU adds /chosen",
    "stdout-nowhere": "there is no console to say it",
    "direct-map-no-uart": "there is no console to say it",
    "uart-no-reg": "there is no console to say it",
    "kernel-outside-ram": "there is no memory to load to",
    "static-mem-memreserve": "QEMU drops reservations",
}


def image(text_offset=0, image_size=0x10000):
    return struct.pack("<IIQQ", 0, 0, text_offset, image_size).ljust(56, b"\0") + b"ARM\x64".ljust(8, b"\0")


def comments(path, kind):
    with open(path, encoding="utf-8") as f:
        return [line.split(maxsplit=2)[2].strip() for line in f if line.startswith(f"// {kind} ")]


def contents(path, folder):
    """[(address, file)] of the modules: an Image, unless a comment says what else lies there."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    found = {int(a, 16): image() for a in re.findall(r"reg = <(?:0x0 )?(0x[4-7]\w{7}) (?:0x0 )?0x", text)
             if f"module@{int(a, 16):x}" in text}
    for words in (c.split() for c in comments(path, "module")):
        address, kind = int(words[0], 16), words[1]
        if kind == "dtb":
            source = os.path.join(CORPUS, "partial", words[2] + ".dts")
            blob = os.path.join(folder, words[2] + ".dtb")
            tree.dtc(source, blob)
            with open(blob, "rb") as f:
                found[address] = f.read()
        else:
            found[address] = KINDS[kind] if kind in KINDS else image(*(int(w, 0) for w in words[2:]))
    files = []
    for address, data in sorted(found.items()):
        file = os.path.join(folder, f"{address:x}.bin")
        with open(file, "wb") as f:
            f.write(data.ljust(64, b"\0"))
        files.append((address, file))
    return files


@pytest.mark.line_01_3
@pytest.mark.line_03_6
@pytest.mark.parametrize("path", sorted(glob.glob(os.path.join(CORPUS, "broken", "*.dts"))),
                         ids=lambda p: os.path.basename(p)[:-4])
def test_refused(path, name):
    tree_name = os.path.basename(path)[:-4]
    if tree_name in NOT_HERE:
        pytest.skip(NOT_HERE[tree_name])
    machine = dataclasses.replace(machines.A53_V2 if "gicv2" in tree_name else machines.A72_V3, mem=1024, smp=4)
    folder = os.path.join(run.LOGS, re.sub(r"[^A-Za-z0-9_.+-]", "_", name) + ".d")
    os.makedirs(folder, exist_ok=True)
    blob = os.path.join(folder, "host.dtb")
    tree.dtc(path, blob)
    command = machine.arguments() + ["-serial", "stdio", "-kernel", run.HYPERVISOR, "-dtb", blob]
    for address, file in contents(path, folder):
        command += ["-device", f"loader,file={file},addr=0x{address:x},force-raw=on"]
    with run.Run(command, name, 20) as r:
        r.expect("the boot stops here")
        text = [line.text for line in r.lines]
        for expected in comments(path, "expect"):
            severity, where, prop, words = expected.split(maxsplit=3)
            start = f"{severity}: {where}" + ("" if prop == "-" else f" {prop}") + ": "
            assert any(start in line and words in line for line in text), f"no '{expected}' in\n" + "\n".join(text)
