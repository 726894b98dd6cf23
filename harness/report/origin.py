"""Where results come from: the suite of their cells and what it asks, when they were run, and how to run them again."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..boards.board import environment_of
from ..store.results import Results
from ..suite.suite import named_suites
from ..text.errors import one_line


def suite_of(records: Results) -> str:
    """The one suite of the package that all cells are of; empty where there is none."""
    names = {str(suite.get("name", "")) for suite in records.distinct("cell.suite")}
    return name if len(names) == 1 and (name := names.pop()) in named_suites() else ""


def question_of(name: str) -> str:
    """The first sentence that the suite of that name says of itself; empty where the package has no such suite."""
    suite = named_suites().get(name)
    if suite is None:
        return ""
    lines = suite.read_text(encoding="utf-8").splitlines()
    end = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    text = " ".join(line.lstrip("# ") for line in lines[:end])
    return re.split(r"(?<=[.?!]) (?=[A-Z`])", text, maxsplit=1)[0].removesuffix(".")


def origin_line(records: Results, title: str) -> str:
    """Suite and question, where the title has them not, the day, the version, and the command that runs them again."""
    suite = suite_of(records)
    asked = f"{suite}: {question_of(suite)}" if suite and question_of(suite) not in title else ""
    day = max((one_line(time)[:10] for time in records.column("asked")), default="")
    version = ", ".join(environment_of(records).get("noisebench", ()))
    again = f"again: noisebench run {suite}" if suite else ""
    return _joined([asked, f"run {day}" if day else "", f"noisebench {version}" if version else "", again])


def _joined(parts: Iterable[str]) -> str:
    return " · ".join(filter(None, parts))
