# SPDX-License-Identifier: Apache-2.0
"""The table of budgets, held against the figures."""

import json
import os
import statistics
from dataclasses import dataclass


@dataclass
class Figure:
    minimum: float
    median: float
    maximum: float

    @classmethod
    def of(cls, values):
        return cls(min(values), statistics.median(values), max(values))


def load_rows(folder):
    with open(os.path.join(folder, "budgets.json"), encoding="utf-8") as file:
        return json.load(file)["rows"]


def number(value, unit=""):
    if value is None:
        return "-"
    value = round(value, 2) + 0.0  # no -0.00
    return f"{value:,.2f}" if unit in ("percent", "ratio") or value != int(value) else f"{int(value):,}"


def verdict(row, figure):
    """'' where nothing is held, 'ok', or why the row fails."""
    if row["budget"] is None:
        return ""
    if figure is None:
        return "" if row.get("optional") else "NOT MEASURED"
    if figure.median > row["budget"]:
        return "OVER BUDGET"
    if row.get("held") and figure.maximum > min(row["budget"] * 1.1, figure.median * 2):
        return "MAXIMUM TOO HIGH"
    return "ok, aim met" if row["aim"] is not None and figure.median <= row["aim"] else "ok"


def quotient(row, figure, other):
    """How many times the peer's figure is of ours, where both measure the same."""
    if not figure or not other or row["unit"] == "percent" or row.get("alike") is False:
        return "-"
    return f"{other.median / figure.median:.1f}"


def table(rows, figures, peers):
    """figures: name to Figure; peers: target name to the same. Returns the lines to print."""
    heads = ["name", "unit", "min", "median", "max", "budget", "aim", "Xen 4.17*", "Bao*"]
    for peer in peers:
        heads += [f"{peer} now", "ratio"]
    lines = [heads + ["", "path"]]
    for row in rows:
        figure = figures.get(row["name"])
        cells = [row["name"], row["unit"]]
        own = (figure.minimum, figure.median, figure.maximum) if figure else (None,) * 3
        cells += [number(v, row["unit"]) for v in (*own, row["budget"], row["aim"], row["xen"], row["bao"])]
        for peer in peers.values():
            other = peer.get(row["name"])
            cells += [number(other.median if other else None, row["unit"]), quotient(row, figure, other)]
        lines.append(cells + [verdict(row, figure), row["text"]])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    left = {0, 1, len(widths) - 2, len(widths) - 1}

    def aligned(line):
        cells = (c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths)))
        return "  ".join(cells).rstrip()
    return [aligned(line) for line in lines]


def as_json(rows, figures):
    result = {}
    for row in rows:
        figure = figures.get(row["name"])
        if figure:
            result[row["name"]] = {"unit": row["unit"], "min": figure.minimum, "median": figure.median,
                                   "max": figure.maximum, "budget": row["budget"]}
    return result


def write_json(path, content):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
