"""A bundle for a paper: tables, vector figures, references, the suites, the results, and how to make them again."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...boards.board import Board
from ...store.export import export_text
from ...store.record import cell_text
from ...store.results import Results
from ...store.versions import newest
from ...text.errors import UsageError, one_line
from ...text.wording import counted
from ..data import report_data
from ..escape import latex, markdown, markdown_code, slug
from ..files import text_bytes, write_files
from ..leaderboard import leaderboard_latex
from ..order_stability import statistics_latex
from ..paper_table.build import paper_tables
from ..paper_table.formats import supplement_latex, tables_latex
from ..paper_table.table import TableOptions
from ..plots.drawing import Plot, plot_files
from ..plots.latex import figure_latex
from ..plots.selection import draw_all
from ..plots.sheets import style_of
from ..private_paths import message_without_folders
from ..tables import pipe_table
from ..write import TITLE, USUAL_TABLE
from .bibliography import bibliography
from .plugins import with_plugins
from .suites import PLUGINS, Part, RemadeSuite, names_of, suites_of, yaml_text

_PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[a4paper,landscape,margin=1.5cm]{geometry}
\usepackage{booktabs,textcomp,graphicx}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
% Wide boards: everything in a float is small.
\makeatletter\def\@floatboxreset{\reset@font\scriptsize\@setminipage}\makeatother
"""


@dataclass(frozen=True)
class Remade:
    """Whether the suites plan the same cells here and now: how many, and which not; or why that is not known.

    `lacking` says what of the plug-ins is not carried, or is not what it was.
    """

    cells: int
    missing: tuple[str, ...]
    unknown: str = ""
    lacking: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """In one line."""
        if self.unknown:
            return f"Whether the suites plan the same cells was not checked: {self.unknown}"
        if not self.missing:
            return f"Planned here, the suites give the same {counted(self.cells, 'cell')}, key by key."
        first = ", ".join(self.missing[:5])
        more = f" and {len(self.missing) - 5} more" if len(self.missing) > 5 else ""
        return (
            f"Planned here, the suites give {self.cells - len(self.missing)} of {counted(self.cells, 'cell')}; the "
            f"keys of the others have changed (`noisebench why` says why): {first}{more}"
        )


def write_bundle(
    records: Results, to: Path, *, all_versions: bool = False, table: TableOptions = USUAL_TABLE, style: str = ""
) -> tuple[list[Path], Remade]:
    """Write the bundle; the files written and whether its suites plan the same cells. Raises `UsageError`."""
    if not records:
        raise UsageError("the store holds no cell: run a suite first (noisebench run SUITE.yaml --store STORE)")
    records, lacking = with_plugins(records)
    data = report_data(records, TITLE, all_versions=all_versions)
    records = records if all_versions else newest(records)
    tables = paper_tables(data.boards, table)
    plots, _ = draw_all(data, style)
    suites, remade = checked_suites(records)
    remade = replace(remade, lacking=tuple(lacking))
    references, used = _references(data.boards)
    names = names_of(records)
    files = plot_files(plots, "figures", ("pdf", "svg"))
    files |= {f"suites/{name}": text_bytes(yaml_text(suite, names)) for name, suite in suites}
    files |= _plugin_files(records)
    files |= {
        "table.tex": text_bytes(tables_latex(tables, table.width)),
        "table-supplement.tex": text_bytes(supplement_latex(tables, table.width)),
        "boards.tex": text_bytes(leaderboard_latex(data, table.width)),
        "statistics.tex": text_bytes(statistics_latex(data.sections, table.width)),
        "figures.tex": text_bytes(_figures(plots, columns=style_of(style).column is not None)),
        "references.bib": text_bytes(references),
        "paper.tex": text_bytes(_paper(used)),
        "results.json": text_bytes(export_text(records)),
        "README.md": text_bytes(_readme(suites, remade, used, data.words)),
    }
    return write_files(files, to), remade


# --------------------------------------------------------------------------------------------- suites


def checked_suites(records: Results) -> tuple[list[tuple[str, RemadeSuite]], Remade]:
    """The suites by the names of their files, and whether they plan the same cells.

    Planning loads plug-ins. Those that an export brings are code of somebody else, and are not run.
    """
    cells = {r.cell.key: r.cell for r in records}
    suites = suites_of(records)
    names = [f"{slug(suite.suite)}{f'-{i}' if len(suites) > 1 else ''}.yaml" for i, suite in enumerate(suites, 1)]
    files = list(zip(names, suites, strict=True))
    if any(r.plugins and not r.cell.request for r in records):
        why = (
            f"{PLUGINS}/ comes from an export, whose code noisebench does not run: read it, then plan a suite by "
            "`noisebench run --dry-run`"
        )
        return files, Remade(len(cells), (), why)
    try:
        planned = _planned(suites, _plugin_files(records), names_of(records))
    except UsageError as error:
        return files, Remade(len(cells), (), message_without_folders(one_line(error)))
    missing = sorted(one_line(cell_text(cell)) for key, cell in cells.items() if key not in planned)
    return files, Remade(len(cells), tuple(missing))


def _plugin_files(records: Results) -> dict[str, bytes]:
    """What stands in `plugins/`."""
    carried = {place: text for record in records if record.plugins for place, text in record.plugins.files.items()}
    return {f"{PLUGINS}/{place}": text.encode("utf-8", "replace") for place, text in sorted(carried.items())}


def _planned(suites: Sequence[RemadeSuite], plugins: Mapping[str, bytes], names: Mapping[Part, str]) -> set[str]:
    """Keys of the cells that the suite files plan, read back as a user would. Raises `UsageError`."""
    from ...engine.planning_process import plan_in_child
    from ...suite.suite import read_suite

    keys: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        files = {f"suites/{i}.yaml": text_bytes(yaml_text(suite, names)) for i, suite in enumerate(suites)}
        for file in write_files({**plugins, **files}, Path(folder)):
            if file.parent.name == "suites":
                keys |= {cell.key for cell in plan_in_child(read_suite(file))["cells"]}
    return keys


# ------------------------------------------------------------------------------------------ documents


def _references(boards: Sequence[Board]) -> tuple[str, dict[str, list[str]]]:
    from ...engine.planning_process import catalogue_in_child

    methods = {row.name: row.cite for board in boards for row in board.rows if row.cite}
    names = sorted({(board.track, board.dataset_name) for board in boards})
    try:
        listed = catalogue_in_child("dataset", "", ())
    except UsageError:
        listed = []
    about = {(entry["track"], entry["name"]): entry["meta"] for entry in listed}
    described = [(name[1], {k: str(v) for k, v in about.get(name, {}).items()}) for name in names]
    return bibliography(sorted(methods.items()), described)


def _figures(plots: Sequence[Plot], *, columns: bool) -> str:
    out = [r"% \usepackage{graphicx}"]
    options = r"width=0.8\linewidth,height=0.7\textheight,keepaspectratio"
    for i, plot in enumerate(plots, 1):
        out += figure_latex(plot, "figures", f"fig:noisebench-{i}", options, columns=columns)
    return "\n".join([*out, ""])


def _paper(used: dict[str, list[str]]) -> str:
    names = [rf"{latex(name)}~\cite{{{','.join(keys)}}}" for name, keys in sorted(used.items())]
    out = [_PREAMBLE + r"\begin{document}", r"\setlength{\tabcolsep}{3pt}\sloppy"]
    if names:
        out += ["Methods and datasets: " + ", ".join(names) + "."]
    out += [r"\input{table}", r"\clearpage"]
    out += [r"\input{boards}", r"\clearpage", r"\input{statistics}", r"\clearpage", r"\input{figures}"]
    if names:
        out += [r"\bibliographystyle{plain}", r"\bibliography{references}"]
    return "\n".join([*out, r"\end{document}", ""])


def _readme(
    suites: Sequence[tuple[str, RemadeSuite]], remade: Remade, used: dict[str, list[str]], words: Mapping[str, str]
) -> str:
    carries, item = any(suite.plugins for _, suite in suites), markdown(words["item"])
    out = ["# Results, and how to make them again", "", markdown(remade.text), ""]
    out += [*(f"- {markdown(line)}" for line in remade.lacking), *([""] if remade.lacking else []), "```sh"]
    for name, _ in suites:
        out.append(f"noisebench run suites/{name} --store store   # every number")
    out += [
        "noisebench report store --to board                # tables, plots and the page",
        f"noisebench compare results.json store             # yours against these, {item} by {item}",
        "noisebench report results.json --bundle .         # this folder, from the results alone",
        "pdflatex paper && bibtex paper && pdflatex paper && pdflatex paper",
        "```",
        "",
        *pipe_table(
            ("file", "what it is"),
            (False, False),
            [
                ("`table.tex`", "the table that papers print: methods by levels; to `\\input`, needs booktabs"),
                ("`boards.tex`, `statistics.tex`, `figures.tex`",
                 "to `\\input`; need booktabs, textcomp, graphicx, T1 fonts"),
                ("`figures/`", "each plot as PDF and SVG"),
                ("`references.bib`", "the methods and datasets"),
                ("`paper.tex`", "a document that holds them all"),
                ("`suites/`", "the suites that plan these cells"),
                *([("`plugins/`", "the code of the plug-ins, which the suites load")] if carries else []),
                ("`results.json`",
                 f"every score of every {item}: `noisebench report`, `compare` and `check` read it"),
            ],
        ),
        "",
    ]  # fmt: skip
    if used:
        rows = [(markdown(name), markdown_code(", ".join(keys))) for name, keys in sorted(used.items())]
        out += [*pipe_table(("name", "cite as"), (False, False), rows), ""]
    return "\n".join(out)
