# SPDX-License-Identifier: Apache-2.0
"""The budgets hold: `make bench` with fewer samples, one test per row of bench/budgets.json."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

import run

SRC = os.environ.get("SRC") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCH = os.path.join(SRC, "bench")
PYTHON = "/usr/bin/python3"

pytestmark = [pytest.mark.line_01_8, pytest.mark.line_03_5]


def _load_report():
    """bench/report.py under a name of its own: the benchmark's modules are not on the path of the tests."""
    spec = importlib.util.spec_from_file_location("bench_report", os.path.join(BENCH, "report.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


report = _load_report()
with open(os.path.join(BENCH, "budgets.json"), encoding="utf-8") as _file:
    ROWS = json.load(_file)["rows"]


def _measure(out, *arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    built = subprocess.run(["make", "-s", "-f", os.path.join(SRC, "Makefile"), f"O={run.O}", "bench-guest"],
                           env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert not built.returncode, built.stderr
    os.makedirs(out, exist_ok=True)
    link = os.path.join(out, "bench")
    if not os.path.exists(link):
        os.symlink(os.path.join(run.O, "bench"), link)
    done = subprocess.run([PYTHON, "-B", os.path.join(BENCH, "run.py"), "--out", out, "--image",
                           os.path.join(run.O, "bulkhead.img"), *arguments],
                          capture_output=True, text=True, timeout=900, check=False)
    try:
        with open(os.path.join(out, "bench.json"), encoding="utf-8") as file:
            return json.load(file), done.stdout + done.stderr
    except OSError:
        pytest.fail(done.stdout + done.stderr)


@pytest.fixture(scope="module")
def measured():
    return _measure(os.path.join(run.O, "tests", "budgets"), "--samples", "1000")


@pytest.mark.parametrize("row", [row for row in ROWS if row["budget"] is not None], ids=lambda r: r["name"])
def test_budget(row, measured, evidence, request):
    if "over" in row:  # known and not yet mended: fails as soon as it is, so that the word goes away then
        request.applymarker(pytest.mark.xfail(strict=True, raises=run.Failure, reason=row["over"]))
    entry = measured[0].get(row["name"])
    figure = report.Figure(entry["min"], entry["median"], entry["max"]) if entry else None
    if figure is None and row.get("optional"):
        pytest.skip(f"there is no {row['name']} yet")
    verdict = report.verdict(row, figure)
    if figure:
        evidence(row["name"], f"{report.number(figure.median)} of {report.number(row['budget'])}")
    if not verdict.startswith("ok"):
        log = "" if figure else measured[1][-3000:]
        raise run.Failure(f"{verdict}: {figure}, budget {row['budget']}{log}")


def test_figures_repeat():
    """Two runs give the same figures to the last digit; otherwise no budget could be held."""
    arguments = ("--samples", "300", "--only", "paths", "--only", "boot")
    runs = [_measure(os.path.join(run.O, "tests", f"repeat{n}"), *arguments)[0] for n in (1, 2)]
    assert runs[0] and runs[0] == runs[1]


@pytest.mark.reference
@pytest.mark.parametrize("median, maximum, verdict", [
    (100, 110, "ok"), (100, 111, "MAXIMUM TOO HIGH"), (101, 101, "OVER BUDGET"), (40, 80, "ok, aim met"),
    (40, 81, "MAXIMUM TOO HIGH")])
def test_verdict(median, maximum, verdict):
    row = {"budget": 100, "aim": 50, "held": True}
    assert report.verdict(row, report.Figure(median, median, maximum)) == verdict
    assert report.verdict(row, None) == "NOT MEASURED"
