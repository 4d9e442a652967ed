# SPDX-License-Identifier: Apache-2.0
"""The rows of the longest exit: seen in some runs, and bounded from the code."""

import os

import worst_exit
import worst_seen
from flow import FlowError
from report import Figure

# Of the runs of worst_seen.py, so that the benchmark stays short; `make worst-exit` does all.
RUNS = "bench|storm|two-linux"


def _bound(out, seen):
    notes = worst_exit.Annotations(os.path.join(worst_exit.HERE, "loop_bounds.toml"))
    if seen:
        notes.constants.update(notes.seen)
    analysis = worst_exit.Analysis(os.path.join(out, "bulkhead.elf"), notes)
    name, path = worst_exit.worst(analysis.segments())
    why = worst_exit.cause(analysis, path)
    return path[0], f"{name}, mostly {why[1] if why else 'nothing in particular'}", analysis


def measure(out, say):
    """(figures, remarks to print, errors)."""
    figures, remarks = {}, []
    say("bulkhead: worst exit")
    try:
        limit, text, analysis = _bound(out, False)
        if analysis.unknown:
            return {}, [], [f"worst_exit_bound: {message}" for message in analysis.unknown]
        figures["worst_exit_bound"] = Figure.of([limit])
        remarks.append(f"worst_exit_bound: {text}")
        runs, text, _ = _bound(out, True)
        figures["worst_exit_bound_runs"] = Figure.of([runs])
        remarks.append(f"worst_exit_bound_runs: {text}")
        runner, analysis = worst_seen.measure(out, wanted=RUNS)
    except (FlowError, OSError) as error:
        return figures, remarks, [f"worst_exit: {error}"]
    errors = [f"worst_exit_seen: {error}" for error in runner.errors]
    if runner.results:
        name, seen = max(runner.results.items(), key=lambda pair: pair[1].most)
        where = ", ".join(function for function, _ in worst_seen.functions(analysis.code, seen.counts)[:4])
        figures["worst_exit_seen"] = Figure.of([seen.most])
        remarks.append(f"worst_exit_seen: {worst_seen.describe(seen.kind)} in {name}, mostly {where}")
        if seen.most > min(runs, limit):
            errors.append(f"worst_exit_seen: {seen.most} is more than the bound, {min(runs, limit)}: {remarks[-1]}")
    return figures, remarks, errors
