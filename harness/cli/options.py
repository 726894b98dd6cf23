"""Options that several verbs share."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..text.errors import UsageError, one_line
from ..text.json_values import plain, spelled
from ..text.terminal import TextColumn, cut, fitted, places, terminal_width, wrapped
from ..text.wording import counted

if TYPE_CHECKING:
    from ..store.results import Results

_SHOWN = 10


READS = "no stored cell was changed; the same command starts anew"

T = TypeVar("T")


_SHARED: dict[str, dict[str, Any]] = {
    "data": {"metavar": "DIR", "help": "where named datasets lie (default: $NOISEBENCH_DATA)"},
    "jobs": {"type": int, "metavar": "N", "help": "cells at once (default: cores / threads per cell)"},
    "json": {"action": "store_true", "help": "one JSON document on stdout, messages on stderr"},
    "limit": {"type": int, "metavar": "N", "help": "only the first N items of each dataset"},
    "plugin": {
        "action": "append",
        "default": [],
        "metavar": "FILE",
        "help": "a .py file that registers things (repeatable)",
    },
    "timeout": {"metavar": "S", "help": "seconds a cell may take: 600, 10m, 2h (default: 1h)"},
    "track": {"metavar": "T", "default": "restore", "help": "the field of work (default: restore)"},
    "weights": {"metavar": "DIR", "help": "where published weights lie (default: $NOISEBENCH_WEIGHTS)"},
}


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help in the width of the terminal: prose is wrapped, and a remark behind an example stands below it."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines: list[str] = []
        for line in text.splitlines():
            example, _, remark = line.strip().partition("   ")
            if len(line) <= width:
                lines.append(line)
            elif line.startswith(" "):
                lines += [f"  {example}", *wrapped(remark, width, " " * 6, " " * 6)]
            else:
                lines += wrapped(line, width)
        return "\n".join(indent + line for line in lines)


def verb(
    verbs: Any, name: str, about: str, examples: str, run: Callable[[argparse.Namespace], int], stopped: str = READS
) -> argparse.ArgumentParser:
    """A parser for a verb, with its examples under the help; `stopped` says after a Ctrl-C what is kept."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=about,
        description=about,
        epilog="examples:\n" + examples,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run, stopped=stopped)
    return parser


def add_shared(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add options that several verbs have, by name."""
    for name in names:
        parser.add_argument(f"--{name}", **_SHARED[name])


def add_style(parser: argparse.ArgumentParser) -> None:
    """`--style S`."""
    from ..report.plots.sheets import STYLES

    about = f"plots sized for print, as PDF too: {', '.join(STYLES)} (default: 7 inches wide)"
    parser.add_argument("--style", metavar="S", default="", choices=tuple(STYLES), help=about)


def use_data(args: argparse.Namespace) -> None:
    """Make `--data` and `--weights` known to this process and its children."""
    for option in ("data", "weights"):
        given = getattr(args, option, None)
        if given:
            if not os.path.isdir(given):
                raise UsageError(f"--{option} {one_line(given)} is not a folder")
            os.environ[f"NOISEBENCH_{option.upper()}"] = os.path.abspath(given)


def print_json(document: Any) -> None:
    """One JSON document on stdout; values that JSON lacks are null or text."""
    all_letters = (sys.stdout.encoding or "").lower() in ("utf-8", "utf8")  # what others lack JSON can spell
    print(spelled(json.dumps(plain(document), indent=1, ensure_ascii=not all_letters, allow_nan=False)))


def print_table(rows: Iterable[Sequence[str]], head: Sequence[str], most: int | None = None) -> None:
    """Aligned columns on stdout, every text on one line of printable characters, no line longer than `most`.

    A library looks at each text for numbers first: of a million rows that takes longer than all else.
    """
    columns = []
    for column in zip(head, *rows, strict=True):
        shown = {text: one_line(text, 160) for text in dict.fromkeys(column)}
        width = max(map(places, shown.values()))
        shown.update((text, line + " " * (width - places(line))) for text, line in shown.items())
        columns.append([shown[text] for text in column])
    for line in zip(*columns, strict=True):
        text = "  ".join(line).rstrip()
        sys.stdout.write((text if most is None else cut(text, most)) + "\n")


def print_fitted(rows: Iterable[Sequence[str]], *columns: TextColumn) -> None:
    """The same, in the width of the terminal: columns are dropped and texts are cut as their columns say."""
    for line in fitted(columns, rows, terminal_width()):
        print(line)


def print_listing(rows: Iterable[Sequence[str]], *columns: TextColumn) -> None:
    """The same on a terminal; whole lines where another program reads them."""
    if sys.stdout.isatty():
        print_fitted(rows, *columns)
    else:
        print_table(rows, [column.title for column in columns])


def note_old(path: Path, results: Results | None = None) -> None:
    """Say so where a store was written by an older noisebench, or `results` of store or export have no seal."""
    from ..store.cell import SCHEMA
    from ..store.cells import schema_of, seals_cells

    bare = 0 if results is None else results.column("seal").count("")
    if (path / "store.json").is_file() and (schema := schema_of(path)) < SCHEMA:
        note(f"{one_line(path)} was written by an older noisebench (schema {schema}): it is read, not added to")
    elif bare or (path.is_dir() and not results and not seals_cells(path)):
        cells = f"{bare} of {counted(len(results), 'cell')}" if results else "cells"
        note(f"{one_line(path)}: {cells} were written before there were seals: an edit by hand is not noticed there")


def read_noted(path: Path) -> tuple[Results, list[str]]:
    """The cells of a store, export or entry that may be judged by, and a line for each one left out, which notes name.

    Raises `UsageError` for what is none of them.
    """
    from ..store.reading import read_genuine
    from ..submissions.entry import ENDING, read_entry

    if path.suffix == ENDING:
        return read_entry(path).results, []
    results, left_out = read_genuine(path)
    note_old(path, results)
    note_left_out(left_out)
    return results, left_out


def no_match(store: Path, filter_: str, cells: int) -> str:
    """What to say where a filter matches none of the cells that are `there`."""
    if not cells:
        return f"{one_line(store)} has no cells: `noisebench run … --store {one_line(store)}` fills it"
    ls = f"`noisebench store ls {one_line(store)}`"
    return f"no stored cell matches {one_line(filter_)!r}: {ls} lists their keys and names"


def option_value(name: str, check: Callable[[Any], T], value: Any) -> T:
    """The value of an option. Raises `UsageError` with what was due."""
    try:
        return check(value)
    except ValueError as error:
        raise UsageError(f"--{name} must be {error}, not {one_line(value)!r}") from None


def write_to(file: Path, data: bytes) -> None:
    """Write a file that the user has named. Raises `UsageError` where it cannot be written."""
    from ..data.disk import write_named

    try:
        write_named(file, data)
    except OSError as error:
        raise UsageError(f"{one_line(file)} cannot be written ({error.strerror}): check the path") from None


def append_summary(text: bytes) -> None:
    """Append Markdown to the summary of a job on GitHub, where there is one."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if not target:
        return
    try:
        with open(target, "ab") as file:
            file.write(text)
    except OSError as error:
        note(f"the job summary {one_line(target)} cannot be written: {error.strerror}")


def refuse_beside(args: argparse.Namespace, beside: str, why: str, *names: str) -> None:
    """Raise `UsageError` where an option is given that does nothing beside another one."""
    for name in names:
        if getattr(args, name) not in (None, False, "", []):
            raise UsageError(
                f"--{name.replace('_', '-')} does nothing beside {beside}, which {why}: leave one of them out"
            )


def folder_to_write(option: str, given: str | None) -> Path | None:
    """The folder that an option names, where it is given. Raises `UsageError` for a file."""
    if not given:
        return None
    folder = Path(given)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--{option} {one_line(folder)} is a file: name a folder")
    return folder


def note_left_out(lines: Sequence[str]) -> None:
    """Name the first cells that are left out, and count the others."""
    for line in lines[:_SHOWN]:
        note(f"left out: {line}")
    if len(lines) > _SHOWN:
        note(f"left out: {counted(len(lines) - _SHOWN, 'more cell')}, which `noisebench store verify` names")


def note_stopped(store: str | None) -> None:
    """After a Ctrl-C: what is kept of a run, and where."""
    where = f" (store {one_line(store)})" if store else ""
    note(f"\nstopped: nothing that was finished is lost; the same command goes on from here{where}")


def note(text: str) -> None:
    """A message to the person, on stderr."""
    print(text, file=sys.stderr)
