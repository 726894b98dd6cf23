"""Write a report: every file of it, from records alone. No clock, no host name: the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..analysis.board import boards, cost_records
from ..analysis.failures import Failure, failed_costs
from ..errors import UsageError, one_line
from ..store.record import Record
from .page import leaderboard_html
from .plots import draw_all
from .summary import summary
from .tables import leaderboard_csv, leaderboard_latex, leaderboard_markdown

TITLE = "noisebench leaderboard"


def write_report(records: Sequence[Record], to: Path, *, title: str = "") -> list[Path]:
    """Write `leaderboard.{md,csv,tex,html}`, `summary.json` and `plots/` into `to`; the files written.

    Plots of an earlier report in the same folder are replaced. Raises `UsageError` where there is no record,
    or where `to` cannot be written.
    """
    if not records:
        raise UsageError("the store holds no cell: run a suite first (noisebench run SUITE.yaml --store STORE)")
    heading = one_line(title) or TITLE
    made = boards(records)
    failures: dict[str, Failure] = {}
    for failure in [*(f for board in made for f in board.failures), *failed_costs(records)]:
        # A cell may stand on the board of its own seeds and on that of fewer ones; it failed once.
        failures.setdefault(failure.key + failure.outcome, failure)
    lost = list(failures.values())
    costs = cost_records(records)
    plots, notes = draw_all(made)
    linked = [(f"plots/{plot.name}.png", plot.caption) for plot in plots]
    shown = [(plot.png, plot.caption) for plot in plots]
    files: dict[str, bytes] = {
        "leaderboard.md": _bytes(leaderboard_markdown(made, lost, costs, linked, notes, heading)),
        "leaderboard.csv": _bytes(leaderboard_csv(made, lost)),
        "leaderboard.tex": _bytes(leaderboard_latex(made, lost, heading)),
        "leaderboard.html": _bytes(leaderboard_html(made, lost, costs, shown, notes, heading)),
        "summary.json": _bytes(summary(made, lost, costs, heading)),
    }
    for plot in plots:
        files[f"plots/{plot.name}.png"] = plot.png
        files[f"plots/{plot.name}.svg"] = plot.svg
    return _write(files, to)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _write(files: dict[str, bytes], to: Path) -> list[Path]:
    written = []
    try:
        folder = to / "plots"
        if folder.is_dir():
            for pattern in ("noise-level-*", "pareto-*", "panel-*"):
                for old in folder.glob(pattern):
                    if old.suffix in (".png", ".svg"):
                        old.unlink()
        for name, content in files.items():
            path = to / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            written.append(path)
    except OSError as error:
        raise UsageError(
            f"cannot write the report to {one_line(to)}: {error.strerror}; choose another folder with --to"
        ) from None
    return written
