"""What stands over a column: the regime as its track writes it, the metric as papers do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ...boards.board import Board
from ...boards.rows import Column
from ...components.registry import registry
from ...spec.parsing import Spec, Value, show
from ...spec.paths import readable_spec
from ...text.errors import UsageError
from ..plots.axis_text import metric_text


def level_titles(boards: Sequence[Board]) -> list[str]:
    """A title for each board, `σ = 25` or `Poisson, peak 30`; on one dataset no two are the same."""
    titles = [_title(board) for board in boards]
    times = Counter((board.dataset, board.fingerprint, title) for board, title in zip(boards, titles, strict=True))
    return [
        title if times[board.dataset, board.fingerprint, title] == 1 else board.regime
        for board, title in zip(boards, titles, strict=True)
    ]


def _title(board: Board) -> str:
    shown, full = readable_spec(board.regime), readable_spec(board.regime_spec)
    if shown is None or full is None or len(shown.then) != len(full.then):
        return board.regime
    parts = zip((shown, *shown.then), (full, *full.then), strict=True)
    return " + ".join(_part_title(board.track, dict(short.args), whole) for short, whole in parts)


def _part_title(track: str, given: dict[str, Value], spec: Spec) -> str:
    """One regime: its template filled in, or its name; behind it what else is not at its default."""
    try:
        template = str(registry("regime", track).get(spec.name).meta.get("title", ""))
    except UsageError:  # of a plug-in that is not loaded
        template = ""
    values = dict(spec.args)
    used = set(re.findall(r"\{(\w+)\}", template))
    if not template or not used <= values.keys():
        template, used = spec.name.replace("_", " ").capitalize(), set()
    head = re.sub(r"\{(\w+)\}", lambda match: _plain(values[match[1]]), template)
    return ", ".join([head, *(_argument(name, value) for name, value in given.items() if name not in used)])


def _argument(name: str, value: Value) -> str:
    words = name.replace("_", " ")
    return words if value is True else f"{words} {_plain(value)}"


def _plain(value: Value) -> str:
    """A number or text without quotes."""
    return value if isinstance(value, str) else show(value)


def metric_title(track: str, column: Column) -> str:
    """A metric as papers write it, with unit and direction: `PSNR (dB) ↑`."""
    return f"{metric_text(track, column)} {column.arrow}".rstrip()
