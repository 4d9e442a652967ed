# SPDX-License-Identifier: Apache-2.0
"""The table of what VIRTIO demands names tests that exist, and one for each demand."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "virtio-conformance.md"
SYSTEM = {path.stem[5:]: path for path in (ROOT / "tests" / "system").glob("test_*.py")}
UNIT = {path.stem[5:]: path for path in (ROOT / "tests" / "unit").glob("devices*/test_*.c")}
SUITES = SYSTEM | UNIT | {f"system_{name}": SYSTEM[name] for name in SYSTEM.keys() & UNIT.keys()}


def wrong(text):
    """What is wrong with a table: demands without a test, tests that are not there or not run."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if re.match(r"\| [0-9]", line) else None
        names = re.findall(r"`(\w+):(\w+)`", line)
        if cells is not None and (len(cells) != 3 or not names):
            found.append(f"no test: {line}")
        for suite, test in names:
            source = SUITES[suite].read_text(encoding="utf-8") if suite in SUITES else ""
            python = suite in SUITES and SUITES[suite].suffix == ".py"
            run = rf"^def {test}\(" if python else rf"(TEST|cmocka_unit_test\w*)\({test}\b"
            if not re.search(run, source, re.M):
                found.append(f"{suite}:{test} is not there")
    return found


def test_table():
    text = TABLE.read_text(encoding="utf-8")
    assert len(re.findall(r"^\| [0-9]", text, re.M)) >= 90
    assert wrong(text) == []


def test_control():
    row = "| 2.1.2 | says so | `transport:reset` |"
    assert wrong(row) == []
    assert wrong(row.replace("reset", "resett")) != []
    assert wrong(row.replace("transport", "transports")) != []
    assert wrong(row.replace("`", "")) != []
    assert wrong("text `ring:nothing`") != []
