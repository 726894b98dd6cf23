"""A published system as a person reads it: one screen of a terminal, or a page in Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from ..claims.published import JudgedClaim
from ..claims.systems import JudgedSystem, System
from ..suite.suite import find_suite, read_suite
from ..text.errors import one_line
from ..text.wording import counted
from .escape import markdown, markdown_code

_OWN_DATA = {
    "restore": "folder(path=my_pictures)",
    "audio": "folder(path=my_clips)",
    "functions": "table(path=my_tables)",
    "graph": "table(path=my_tables)",
    "matrix": "tables(path=my_tables)",
}
"""The dataset of a user's own files, by track. In other tracks a suite trains for the classes of its own data."""

_FROM_DATASET = {"restore": "real", "audio": "none"}
"""The regime under which inputs are those of the dataset, by track: a folder of clean files has none."""
_ROUNDING = 1e-9
"""The share of an interval's width below which an effect is rounding."""


def system_text(judged: JudgedSystem, width: int) -> str:
    """What a system is, where its files lie, its headlines with verdicts, what is not there, and how to use it."""
    system = judged.system
    parts = {
        "source": system.source,
        "spec": "; ".join(system.specs) + (" (part)" if system.part else ""),
        "files": ", ".join(judged.files),
        "suites": f"{', '.join(system.suites)}; boards in reports/",
    }
    lines = _wrapped(f"{system.number}. {system.name} ({system.role}, track {system.track}): {system.about}", width)
    for name, text in parts.items():
        lines += _wrapped(f"{name}: {text}", width, 2) if text else []
    lines += ["", "headlines" if judged.headlines else "claims"]
    for one in judged.headlines or judged.judged:
        lines += [one.name, *_wrapped(f"  {_verdict(one)}", width, 2)]
        lines += _wrapped(f"  by budget: {one_line(one.trend, 500)}", width, 2) if one.trend else []
    for role, text in judged.beside.items():
        lines += _wrapped(f"{role}s: {text}", width, 2)
    if system.published or system.departs:
        departs = [f"not here: {system.departs}"] if system.departs else []
        lines += ["", "as released"]
        lines += [line for text in (*system.published, *departs) for line in _wrapped(text, width, 2)]
    if system.lacks:
        lines += ["", *_wrapped(f"did not show here, or is not built: {system.lacks}", width)]
    return "\n".join([*lines, "", "on your own data", *(f"  {line}" for line in commands_for_own_data(system))])


def commands_for_own_data(system: System) -> list[str]:
    """The commands that set a system beside its rivals on the files of a user."""
    if system.own_data:
        return list(system.own_data)
    suite = system.suites[0]
    read = read_suite(find_suite(suite))
    data = _OWN_DATA.get(read.track)
    if data is not None and _FROM_DATASET.get(read.track, "") not in map(str, read.regimes):
        return [f"noisebench run {suite} \\", f'  --datasets "{data}"']
    return [
        f"noisebench list suites {suite} > mine.yaml",
        "# Name your own data in mine.yaml: see docs/data.md.",
        "noisebench run mine.yaml",
    ]


def system_page(judged: JudgedSystem, boards: Mapping[str, str], picture: str = "") -> str:
    """The same as a page of `docs/systems/`; `boards` are folders by suite, `picture` is the suite whose is shown.

    Effects at several budgets are drawn in `NUMBER_budgets.png` beside it.
    """
    system = judged.system
    about = markdown(system.about)
    lines = [
        f"# {system.number}. {markdown(system.name)}", "", f"{about[0].upper()}{about[1:]}.", "",
        f"A {system.role} of the track `{system.track}`. Source: {markdown(system.source)}.", "",
        *(f"- {markdown_code(spec)}" for spec in system.specs), "",
        f"Files: {', '.join(f'[{file}](../../{file})' for file in judged.files)}.", "",
        "| headline | verdict | effect, 95 % interval | steps | seeds |", "| --- | --- | --- | --- | --- |",
        *(_table_row(one) for one in judged.headlines or judged.judged),
    ]  # fmt: skip
    if judged.beside:
        lines += ["", f"{'; '.join(f'{role}s: {text}' for role, text in judged.beside.items()).capitalize()}."]
    if trends := [one for one in judged.judged if one.trend]:
        lines += ["", "## By budget of training", ""]
        lines += [f"- {markdown_code(one.name)}: {markdown(one.trend, 500)}" for one in trends]
        lines += ["", f"![effect against budget]({system.number}_budgets.png)"]
    if system.published or system.departs:
        lines += ["", "## As released", "", *(f"- {markdown_code(spec)}" for spec in system.published)]
        lines += ["", f"Not here: {markdown(system.departs, 1_000)}."] if system.departs else []
    if system.lacks:
        lines += ["", "## What did not show here, or is not built", "", f"{markdown(system.lacks, 5_000)}."]
    lines += ["", "## On your own data", "", "<!-- not run: it names files of yours -->", "```sh"]
    lines += [*commands_for_own_data(system), "```", "", "## Beside its rivals", ""]
    lines += [f"- [{suite}]({boards[suite]}/leaderboard.md): `noisebench run {suite}`" for suite in system.suites]
    if picture:
        lines += ["", f"![{picture}]({boards[picture]}/board.png)"]
    return "\n".join(lines) + "\n"


def _table_row(one: JudgedClaim) -> str:
    steps = "" if one.steps is None else f"{one.steps:,}"
    why = f": {markdown(one.reason)}" if one.reason else ""
    effect = markdown_code(effect_text(one)) if effect_text(one) else ""
    return f"| {markdown_code(one.name)} | {one.verdict_text}{why} | {effect} | {steps} | {len(one.seeds)} |"


def _verdict(one: JudgedClaim) -> str:
    """The verdict with the effect, its interval, what it took and why it is not reproduced."""
    took = [counted(one.steps, "step")] if one.steps is not None else []
    took += [counted(len(one.seeds), "seed")] if one.seeds else []
    return "; ".join(filter(None, [one.verdict_text, effect_text(one), ", ".join(took), one_line(one.reason, 300)]))


def effect_text(one: JudgedClaim) -> str:
    """The comparison that decides, with its interval where seeds give one."""
    if one.effect is None:
        return ""
    if one.low is None or one.high is None or one.low == one.high:
        return f"{one_line(one.comparison, 200)} = {one.effect:.3g}"
    # A mean of differences that cancel is zero but for rounding.
    effect = 0.0 if abs(one.effect) < _ROUNDING * (one.high - one.low) else one.effect
    return f"{one_line(one.comparison, 200)} = {effect:.3g} [{one.low:.3g}, {one.high:.3g}]"


def _wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """A text in lines of a width, those behind the first one indented."""
    return textwrap.wrap(text, width, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False)
