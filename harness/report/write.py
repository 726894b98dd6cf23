"""Write a report: every file of it, from records alone. No clock, no host name: the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..analysis.board import boards, cost_records
from ..analysis.evidence import evidence, overall
from ..analysis.failures import Failure, failed_costs
from ..analysis.sets import board_sets
from ..errors import UsageError, one_line
from ..store.record import Record
from .critical import diagrams
from .evidence import sections, statistics_latex, statistics_markdown
from .extra import of_sections, of_sets
from .files import text_bytes, write_files
from .leaderboard import leaderboard_csv, leaderboard_latex, leaderboard_markdown
from .page import leaderboard_html
from .page_pictures import Kept
from .plots import draw_all
from .sets import sets_csv, sets_latex, sets_markdown
from .summary import summary

TITLE = "noisebench leaderboard"


def write_report(records: Sequence[Record], to: Path, *, title: str = "", kept: Kept | None = None) -> list[Path]:
    """Write `leaderboard.{md,csv,tex,html}`, `statistics.{md,tex}`, `summary.json` and `plots/`; the files written.

    `kept` says where a store has its pictures, for the page; without it the page shows the crops of the panels.
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
    found, together = evidence(made), overall(made)
    plots, notes = draw_all(made, diagrams(found, together))
    parts = sections(found, together)
    linked = [(f"plots/{plot.name}.png", plot.caption) for plot in plots]
    traces = {r.cell["key"]: r.cell["traceback"] for r in records if r.cell["traceback"]}
    sets = board_sets(made, records)
    more = [*of_sets(sets), *of_sections(parts, made)]
    files: dict[str, bytes] = {
        "leaderboard.md": text_bytes(
            leaderboard_markdown(made, lost, costs, linked, notes, heading, sets_markdown(made, sets))
        ),
        "leaderboard.csv": text_bytes(leaderboard_csv(made, lost)),
        "leaderboard.tex": text_bytes(leaderboard_latex(made, lost, heading) + sets_latex(made, sets)),
        "leaderboard.html": text_bytes(
            leaderboard_html(made, lost, costs, plots, heading, extra=more, traces=traces, kept=kept)
        ),
        "statistics.md": text_bytes(statistics_markdown(parts, heading)),
        "statistics.tex": text_bytes(statistics_latex(parts)),
        "summary.json": text_bytes(summary(made, lost, costs, found, together, heading, sets)),
    }
    if any(sets):
        files["sets.csv"] = text_bytes(sets_csv(made, sets))
    for plot in plots:
        files[f"plots/{plot.name}.png"] = plot.png
        files[f"plots/{plot.name}.svg"] = plot.svg
    return write_files(files, to, replaces=("noise-level-", "pareto-", "panel-", "critical-"))
