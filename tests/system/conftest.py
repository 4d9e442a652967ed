# SPDX-License-Identifier: Apache-2.0
"""Markers, fixtures, and the evidence file that `make evidence` prints."""

import fcntl
import json
import os

import pytest

import run

EVIDENCE = os.path.join(run.O, "tests", "evidence.json")
LINES = {f"line_{issue}_{n}": f"{issue}-{n}"
         for issue, lines in (("01", 8), ("03", 6), ("04", 6), ("05", 6)) for n in range(1, lines + 1)}


def pytest_configure(config):
    for marker, line in LINES.items():
        config.addinivalue_line("markers", f"{marker}: evidence line {line}")
    config.addinivalue_line("markers", "long: only in `make test-long`")
    config.addinivalue_line("markers", "confined: needs the kernel of `tools/bulkhead fetch linux-confined`")
    config.addinivalue_line("markers", "reference: the guests on the bare machine; needs no hypervisor")


def _store(lines, name, entry):
    os.makedirs(os.path.dirname(EVIDENCE), exist_ok=True)
    with open(EVIDENCE, "a+", encoding="utf-8") as f:
        fcntl.flock(f, fcntl.LOCK_EX)  # tests may run side by side
        f.seek(0)
        try:
            data = json.load(f)
        except ValueError:
            data = {}
        for line in lines:
            data.setdefault(line, {})[name] = entry
        f.truncate(0)
        json.dump(data, f, indent=1, sort_keys=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    # A failed run carries its own explanation: the traceback of the harness adds nothing.
    if report.failed and call.excinfo and call.excinfo.errisinstance(run.Failure):
        report.longrepr = f"{item.nodeid}\n{call.excinfo.value}"
    if call.when != "call" and not report.failed:
        return
    lines = [LINES[m.name] for m in item.iter_markers() if m.name in LINES]
    if lines and not report.skipped:
        figures = getattr(item, "evidence_figures", {})
        _store(lines, item.nodeid.rsplit("/", 1)[-1], {"result": report.outcome, "figures": figures})


@pytest.fixture
def evidence(request):
    """evidence("name", value) records a figure under the evidence lines of the test."""
    request.node.evidence_figures = {}

    def record(name, value):
        request.node.evidence_figures[name] = value

    return record


@pytest.fixture
def guest():
    return os.path.join(run.O, "tests", "guest.img")


@pytest.fixture
def tiny():
    return os.path.join(run.O, "tests", "tiny.img")


@pytest.fixture
def name(request):
    """The name of the run, of its log file and of its folder."""
    return request.node.name
