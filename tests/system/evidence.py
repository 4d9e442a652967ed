# SPDX-License-Identifier: Apache-2.0
"""Prints what the last test run measured: evidence line, command, figure, result. Usage: evidence.py 01"""

import json
import os
import sys


def main():
    issue = sys.argv[1] if len(sys.argv) > 1 else ""
    path = os.path.join(os.environ.get("O", "build"), "tests", "evidence.json")
    if not issue:
        sys.exit("usage: make evidence ISSUE=01")
    try:
        with open(path, encoding="utf-8") as f:
            data = json.load(f)
    except OSError:
        sys.exit(f"{path} does not exist yet: run `make test` first")
    bad = False
    for line in sorted(data):
        if not line.startswith(issue + "-"):
            continue
        print(f"{line}  make test ONLY={line}")
        for name, entry in sorted(data[line].items()):
            bad |= entry["result"] != "passed"
            figures = ", ".join(f"{k} {v}" for k, v in entry["figures"].items())
            print(f"    {entry['result']:7} {name}" + (f": {figures}" if figures else ""))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
