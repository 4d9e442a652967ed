# SPDX-License-Identifier: Apache-2.0
"""The chapter on writing a driver domain, tried exactly as it is written."""

import os
import re
import shlex
import subprocess

import pytest

import linux
import run

pytestmark = pytest.mark.line_04_6
CHAPTER = os.path.join(linux.SOURCE, "docs", "writing-a-driver-domain.md")
TOOL = os.path.join(linux.SOURCE, "tools", "bulkhead")


def files():
    """Every section that is named as a file, with its code block."""
    with open(CHAPTER, encoding="utf-8") as f:
        text = f.read()
    found = re.findall(r"^## (\S+)\n(?:(?!## )[^\n]*\n)*?```\w+\n(.*?)^```", text, re.M | re.S)
    return {name: body for name, body in found if name in ("main.c", "device.dts", "system.toml", "init")}


def command_of(folder):
    """QEMU's command line of a composed image."""
    with open(os.path.join(folder, "run.sh"), encoding="utf-8") as f:
        text = f.read().replace("\\\n", " ")
    command = shlex.split(text.split("exec ", 1)[1].replace('"$@"', ""))
    command = [c.replace("file=", f"file={folder}/") if c.startswith("loader,") else c for c in command]
    command = [os.path.join(folder, c) if os.path.exists(os.path.join(folder, c)) else c for c in command]
    return command if "-serial" in command else command + ["-serial", "stdio"]


def test_chapter(name, tmp_path, evidence):
    folder = tmp_path / "random"
    folder.mkdir()
    texts = files()
    assert len(texts) == 4
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    lines = texts["main.c"].count("\n")
    assert lines < 150
    for command in (["make", "--no-print-directory", "-f", os.path.join(linux.SOURCE, "Makefile"), f"DOMAIN={folder}",
                     os.path.join(run.O, "domains", "random.img")],
                    [TOOL, "image", "-o", str(tmp_path / "set"), str(folder)]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False,
                              env={**os.environ, "O": run.O})
        assert done.returncode == 0, done.stdout + done.stderr
    with run.Run(command_of(str(tmp_path / "set")), name, 240) as r:
        r.expect("linux: served, incarnation 1", domain=1, limit=60)
        numbers = [r.expect(r"random: (\w{32})", domain=2, limit=150, refuse="Kernel panic")[1].group(1)
                   for _ in range(4)]
    assert len(set(numbers)) == 4, numbers
    evidence("lines of C in the chapter", lines)
    evidence("bytes of the image", os.path.getsize(os.path.join(run.O, "domains", "random.img")))
