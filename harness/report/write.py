"""Write a report: every file of it, from records alone. No clock, no host name: the same bytes each time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from ..store.record import Record
from ..store.results import Results
from ..text.errors import UsageError, one_line
from .data import ReportData, report_data
from .files import Content, write_files
from .leaderboard import leaderboard_csv, leaderboard_latex, leaderboard_markdown
from .order_stability import statistics_latex, statistics_markdown
from .page.html import leaderboard_html
from .page.previews import BESIDE_FILES as PICTURES_BESIDE
from .page.previews import KeptPreviews, page_previews
from .paper_table.build import paper_tables
from .paper_table.formats import supplement_latex, tables_csv, tables_latex, tables_markdown
from .paper_table.html_page import tables_html
from .paper_table.table import TableOptions
from .plots.drawing import plot_files
from .plots.selection import NAMES, draw_all
from .recipes import recipes_csv, tuned_csv
from .set_metrics import sets_csv
from .summary import BESIDE_FILES as BOARDS_BESIDE
from .summary import board_files, summary

TITLE = "noisebench leaderboard"
USUAL_TABLE = TableOptions()
PARTS = ("board", "page", "table")
"""Of a report: boards with their plots, statistics and summary; the page; the table of a paper."""


def write_report(
    records: Iterable[Record],
    to: Path,
    *,
    title: str = "",
    kept: KeptPreviews | None = None,
    all_versions: bool = False,
    pages: bool = False,
    table: TableOptions = USUAL_TABLE,
    style: str = "",
) -> list[Path]:
    """Write `leaderboard.*` and `table.*` (md, csv, tex, html), `statistics.{md,tex}`, `summary.json` and `plots/`.

    Where there are set metrics, recipes and tuned methods: `sets.csv`, `recipes.csv` and `tuned.csv` too.

    Returns the files written. `table` is what an author chooses for the table of a paper.
    `kept` says where a store has its previews, for the page; without it the page shows the crops of the panels.
    Of methods that were edited the newest version is shown, or `all_versions`. With a `style` of `plots/sheets.py`
    plots come as PDF too, and for one column in `plots/one-column/`.
    Previews that the page has no room for are left out, or written into a folder beside it (`pages`); where there are
    very many rows each board has a file in `leaderboard_boards/`, and the summary and what is read its best rows.
    Plots and previews of an earlier report in the same folder are replaced. Raises `UsageError` where there is no
    record, where two things have one name, where no board has what `table` names, and where `to` cannot be written.
    """
    data = data_to_report(records, title=title, all_versions=all_versions)
    return write_data(data, to, kept=kept, pages=pages, table=table, style=style)


def data_to_report(records: Iterable[Record], *, title: str = "", all_versions: bool = False) -> ReportData:
    """What a report shows of records. Raises `UsageError` where there is none, and where two things have one name."""
    results = Results.of(records)
    if not results:
        raise UsageError("the store holds no cell: run a suite first (noisebench run SUITE.yaml --store STORE)")
    return report_data(results, one_line(title) or TITLE, all_versions=all_versions)


def write_data(
    data: ReportData,
    to: Path,
    *,
    kept: KeptPreviews | None = None,
    pages: bool = False,
    table: TableOptions = USUAL_TABLE,
    style: str = "",
    only: Collection[str] = (),
) -> list[Path]:
    """`write_report` of data that is at hand; `only` some of its `PARTS`, and the files of others stay as they are."""
    parts = only or usual_parts(data, table)
    clears = [] if only or "table" in parts else ["table.*", "table-supplement.tex"]
    tables = paper_tables(data.boards, table) if "table" in parts else []
    if "board" in parts or "page" in parts:
        plots, notes = draw_all(data, style)
        data = replace(data, plots=plots, notes=notes)
    paged = "page" in parts
    shown = page_previews(data.boards, kept if paged else None, data.words["items"], beside=pages and paged)
    # Each is made when it is written: of a report of very many boards the texts together are larger than all else.
    files: dict[str, Content] = {
        "leaderboard.md": lambda: [leaderboard_markdown(data)],
        "leaderboard.csv": lambda: leaderboard_csv(data),
        "leaderboard.tex": lambda: [leaderboard_latex(data, table.width)],
        "leaderboard.html": lambda: leaderboard_html(data, shown),
        "statistics.md": lambda: [statistics_markdown(data.title, data.sections)],
        "statistics.tex": lambda: [statistics_latex(data.sections, table.width)],
        "table.md": lambda: [tables_markdown(tables)],
        "table.csv": lambda: tables_csv(tables),
        "table.tex": lambda: [tables_latex(tables, table.width)],
        "table-supplement.tex": lambda: [supplement_latex(tables, table.width)],
        "table.html": lambda: [tables_html(tables, data.title)],
        "summary.json": lambda: summary(data),
    }
    if any(data.sets):
        files["sets.csv"] = lambda: [sets_csv(data.boards, data.sets)]
    if data.recipes.boards:
        files["recipes.csv"] = lambda: [recipes_csv(data.recipes)]
    if any(trial.tuning for race in data.recipes.races for recipe in race.recipes for trial in recipe.trials):
        files["tuned.csv"] = lambda: [tuned_csv(data.recipes)]
    files |= plot_files(data.plots, "plots", ("png", "svg", "pdf") if style else ("png", "svg"))
    files |= board_files(data)
    wanted = {name: content for name, content in files.items() if _part_of(name) in parts}
    clears += [pattern for part, pattern in (("page", PICTURES_BESIDE), ("board", BOARDS_BESIDE)) if part in parts]
    return write_files({**wanted, **shown.beside}, to, replaces=NAMES if "board" in parts else (), clears=clears)


def usual_parts(data: ReportData, table: TableOptions) -> Collection[str]:
    """The parts of a report where none are chosen: of very many rows a table would fit no paper, unless it is set."""
    if data.most_rows is None or table != USUAL_TABLE:
        return PARTS
    return [part for part in PARTS if part != "table"]


def _part_of(name: str) -> str:
    """The part that a file belongs to."""
    return "page" if name == "leaderboard.html" else "table" if name.startswith("table") else "board"
