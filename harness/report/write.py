"""Write a report: every file of it, from records alone. No clock, no host name: the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import UsageError, one_line
from ..store.record import Record
from .data import report_data
from .files import text_bytes, write_files
from .leaderboard import leaderboard_csv, leaderboard_latex, leaderboard_markdown
from .order_stability import statistics_latex, statistics_markdown
from .page.html import leaderboard_html
from .page.previews import KeptPreviews
from .plots.drawing import plot_files
from .plots.selection import PREFIXES, draw_all
from .set_metrics import sets_csv
from .summary import summary

TITLE = "noisebench leaderboard"


def write_report(
    records: Sequence[Record],
    to: Path,
    *,
    title: str = "",
    kept: KeptPreviews | None = None,
    all_versions: bool = False,
    style: str = "",
) -> list[Path]:
    """Write `leaderboard.{md,csv,tex,html}`, `statistics.{md,tex}`, `summary.json` and `plots/`; the files written.

    `kept` says where a store has its previews, for the page; without it the page shows the crops of the panels.
    Of methods that were edited the newest version is shown, or `all_versions`. With a `style` of `plots/sheets.py`
    plots come as PDF too, and for one column in `plots/one-column/`.
    Plots of an earlier report in the same folder are replaced. Raises `UsageError` where there is no record,
    or where `to` cannot be written.
    """
    if not records:
        raise UsageError("the store holds no cell: run a suite first (noisebench run SUITE.yaml --store STORE)")
    data = report_data(records, one_line(title) or TITLE, all_versions=all_versions)
    plots, notes = draw_all(data, style)
    data = replace(data, plots=plots, notes=notes, kept=kept)
    texts = {
        "leaderboard.md": leaderboard_markdown(data),
        "leaderboard.csv": leaderboard_csv(data),
        "leaderboard.tex": leaderboard_latex(data),
        "leaderboard.html": leaderboard_html(data),
        "statistics.md": statistics_markdown(data),
        "statistics.tex": statistics_latex(data.sections),
        "summary.json": summary(data),
    }
    if any(data.sets):
        texts["sets.csv"] = sets_csv(data.boards, data.sets)
    files = {name: text_bytes(text) for name, text in texts.items()}
    files |= plot_files(plots, "plots", ("png", "svg", "pdf") if style else ("png", "svg"))
    return write_files(files, to, replaces=PREFIXES)
