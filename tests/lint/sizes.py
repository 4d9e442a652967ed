#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sizes that a reader can hold: files of at most 800 lines, functions of at most 80, lines of at most 120 characters,
SPDX line first (or after the interpreter's line), no tab in C
(but in code for Linux), no blank at the end of a line."""
import re
import sys
from pathlib import Path

FILE_LINES, FUNCTION_LINES, LINE_LENGTH = 800, 80, 120
SPDX = "SPDX-License" + "-Identifier:"


def functions(lines):
    """(first line, length) of every function: from the line before its brace in column 0 to the closing one."""
    start = None
    for number, line in enumerate(lines, start=1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield start - 1, number - start + 1
            start = None


def check(path):
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    suffix = path.suffix
    if path.name != "COPYING" and SPDX not in "\n".join(lines[:3]):
        yield 1, "no SPDX line on top"
    if suffix in (".c", ".h", ".S", ".py", ".rs", ".lds") or path.name in ("Makefile", "bulkhead"):
        if len(lines) > FILE_LINES:
            yield len(lines), f"{len(lines)} lines, more than {FILE_LINES}: one subject a file"
        for number, line in enumerate(lines, start=1):
            if len(line) > LINE_LENGTH:
                yield number, f"{len(line)} characters, more than {LINE_LENGTH}"
            if re.search(r"[ \t]$", line):
                yield number, "blank at the end of the line"
    if suffix in (".c", ".h"):
        for number, line in enumerate(lines, start=1):
            if "\t" in line and path.parts[0] != "linux":
                yield number, "a tab"
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                yield number, "an open end (TODO): finish it or write it down in docs/"
        for number, length in functions(lines):
            if length > FUNCTION_LINES:
                yield number, f"a function of {length} lines, more than {FUNCTION_LINES}"


def main():
    bad = 0
    for name in sys.argv[1:]:
        for number, message in check(Path(name)):
            print(f"{name}:{number}: {message}")
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
