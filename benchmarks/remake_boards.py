"""The boards of the committed results: all of each into build/boards, what is small enough for git into reports/.

    python benchmarks/remake_boards.py [NAME …]        by default all of results/; two at once

`reports/NAME` has the text of a board. The first board of each system and those of `PICTURED` also keep one picture: of
the kinds that were drawn the first of `KINDS`. What most methods got wrong is a second one, where that was drawn.
`reports/README.md` lists all boards.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
KINDS = (
    "drawing", "panel", "level", "study", "critical", "pareto", "perception", "recipe-time", "recipe-cost",
    "recipe-memory",
)  # fmt: skip
MISTAKES = "mistakes"
PICTURED = ("demo", "demo_classify", "matrix_phase")
"""Boards whose pictures the documentation shows, beside the first board of each system."""
LARGEST, WIDEST, COLOURS = 40_000, 720, 32
"""Bytes, pixels and colours of a picture that is kept."""
_PLOT = re.compile(r"!\[([^\n]*)\]\(plots/([^)]+)\.png\)\n\n([^\n]+)\n")
"""A plot in the text of a board or a study, with its caption."""
_RULE = re.compile(r"\|[|:-]+\|")
"""The line below the head of a table."""
_LIST, _END = "<!-- boards -->\n", "<!-- end of boards -->"
_PLOTS, _VERSIONS = "## Plots\n", "## Versions and hashes\n"


def all_boards() -> list[str]:
    """The names of the committed results."""
    return sorted(file.stem for file in (ROOT / "results").glob("*.parquet"))


def remake(name: str, board: Path) -> None:
    """Write the whole report of a board, and its study where its suite has one. Raises RuntimeError."""
    from noisebench.cli import main
    from noisebench.suite.study import read_study
    from noisebench.suite.suite import find_suite, named_suites
    from noisebench.text.errors import UsageError

    results = str(ROOT / "results" / f"{name}.parquet")
    commands = [["report", results, "--to", str(board)]]
    if name in named_suites():
        with contextlib.suppress(UsageError):
            read_study(find_suite(name))
            commands.append(["study", name, "--from", results, "--to", str(board)])
    for command in commands:
        with contextlib.redirect_stdout(io.StringIO()):
            code = main(command)
        if code not in (0, 1):
            raise RuntimeError(f"noisebench {' '.join(command)}: exit code {code}")


def pictured_boards() -> set[str]:
    """The names of the boards that keep a picture."""
    from noisebench.claims.systems import read_systems

    shown = {*PICTURED, *(system.suites[0] for system in read_systems() if system.suites)}
    # The board of `demo_functions` has the name of its track.
    return {name if (ROOT / "results" / f"{name}.parquet").is_file() else name.removeprefix("demo_") for name in shown}


def kept_files(board: Path, pictured: bool) -> dict[str, bytes]:
    """What is kept of a whole report, by name; `pictured` says whether with pictures."""
    kinds = (*KINDS, MISTAKES) if pictured else ()
    first = {kind: found[0] for kind in kinds if (found := sorted(board.glob(f"plots/{kind}-[0-9]*.png")))}
    chosen = next((first[kind] for kind in KINDS if kind in first), None)
    kept = {"board": chosen, MISTAKES: first.get(MISTAKES)}
    shown = {plot.stem: name for name, plot in kept.items() if plot is not None}
    files = {f"{name}.png": small_picture(plot.read_bytes()) for name, plot in kept.items() if plot is not None}
    return {"leaderboard.md": kept_text(board, shown).encode(), **files}


def kept_text(board: Path, shown: dict[str, str]) -> str:
    """The text of a board with these plots alone, which have another name; one of a study comes from its text."""
    text = (board / "leaderboard.md").read_text(encoding="utf-8")
    study = board / "study.md"
    every = text + (study.read_text(encoding="utf-8") if study.is_file() else "")
    blocks = {plot: (said, caption) for said, plot, caption in _PLOT.findall(every) if plot in shown}
    kept = "".join(f"![{said}]({shown[plot]}.png)\n\n{caption}\n\n" for plot, (said, caption) in blocks.items())
    board_text, _, hashes = _PLOT.sub("", text).partition(_VERSIONS)
    tables, _, notes = board_text.partition(_PLOTS)
    section = f"{_PLOTS}\n{kept}{notes}" if kept else ""
    return narrow_tables(re.sub(r"\n{3,}", "\n\n", f"{tables}{section}{_VERSIONS}{hashes}"))


def narrow_tables(text: str) -> str:
    """A text without the spaces that align its tables, which are a fifth of it."""
    lines = (
        re.sub(r"-{4,}", "---", line) if _RULE.fullmatch(line) else re.sub(" {2,}", " ", line)
        if line.startswith("|") else line
        for line in text.split("\n")
    )  # fmt: skip
    return "\n".join(lines)


def small_picture(plot: bytes, widest: int = WIDEST) -> bytes:
    """A PNG of a plot as a small one of few colours, of so many pixels across at most."""
    from PIL import Image

    whole = Image.open(io.BytesIO(plot)).convert("RGB")
    width = min(widest, whole.width)
    while True:
        size = (width, max(1, round(whole.height * width / whole.width)))
        out = io.BytesIO()
        few = whole.resize(size, Image.Resampling.LANCZOS).quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(out, "png", optimize=True)
        if out.tell() <= LARGEST:
            return out.getvalue()
        width = width * 9 // 10


def boards_list(names: list[str]) -> str:
    """A Markdown table with a line a board: what its suite asks."""
    from noisebench.report.origin import question_of

    lines = ["| board | question |", "|---|---|"]
    for name in names:
        # The board of `demo_functions` has the name of its track.
        question = question_of(name) or question_of(f"demo_{name}")
        lines.append(f"| [{name}]({name}/leaderboard.md) | {question} |")
    return "\n".join(lines)


def list_boards(page: Path) -> None:
    """Write the list of all boards between the marks of a page."""
    before, mark, rest = page.read_text(encoding="utf-8").partition(_LIST)
    end = rest[rest.index(_END) :]
    page.write_text(f"{before}{mark}\n{boards_list(all_boards())}\n\n{end}", encoding="utf-8")


def make(name: str) -> str:
    """Remake a board and what is kept of it."""
    board, to = ROOT / "build" / "boards" / name, ROOT / "reports" / name
    remake(name, board)
    to.mkdir(parents=True, exist_ok=True)
    for picture in to.glob("*.png"):
        picture.unlink()
    for file, data in kept_files(board, pictured=name in pictured_boards()).items():
        (to / file).write_bytes(data)
    return name


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for done in pool.imap_unordered(make, sys.argv[1:] or all_boards()):
            print(done, flush=True)
    list_boards(ROOT / "reports" / "README.md")
