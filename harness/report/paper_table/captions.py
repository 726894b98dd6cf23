"""What is said above and below the table of a paper: what its numbers are, what its marks mean, what must be known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...boards.board import names_text
from ...boards.rows import Column
from ...boards.together import Places
from ...statistics.paired_tests import ALPHA, MIN_ITEMS
from .headings import metric_title
from .table import Level, TableOptions


def caption(levels: Sequence[Level], columns: Sequence[Column]) -> str:
    """What the numbers are, of what, and what bold and underlined say."""
    words, track = levels[0].board.words, levels[0].board.track
    names = " / ".join(metric_title(track, column) for column in columns)
    sizes: dict[str, str] = {}
    for level in levels:
        sizes.setdefault(level.dataset, level.board.units.text(words))
    trained = any(row.trained_anew for level in levels for row in level.board.rows)
    anew = ", and over trainings too where a method was trained for each seed (Student's t, Holm)" if trained else ""
    over = "; ".join(f"{size} of {dataset}" for dataset, size in sizes.items())
    return (
        f"{names}: means over {over}. Bold: better than every method that is not "
        "bold; underlined: better than every one that is neither; both by the paired test of the board (bootstrap-t of "
        f"the mean over {words['items']}, all pairs of methods of a level at once, {ALPHA:.0%}){anew}. Methods that it "
        "does not tell apart are marked together; nothing is marked where it tells no group apart from all others."
    )


def remarks(levels: Sequence[Level], entrants: Mapping[str, Places], options: TableOptions) -> Iterator[str]:
    """Protocol and seeds, names, variants, training sets, who is missing, weak evidence."""
    first = levels[0].board
    versions = sorted({v for level in levels for v in level.board.environment.get("noisebench", ())})
    data = dict.fromkeys(f"{level.dataset}: {level.board.fingerprint[:12]}" for level in levels)
    yield (
        f"Protocol {first.protocol}, {first.seeds_text}, noisebench {' or '.join(versions) or 'unknown'}. "
        f"SHA-256 of the {first.words['items']}: {'; '.join(data)}."
    )
    named = [(level.board.dataset, level.board.dataset_written) for level in levels]
    named += [(row.label, row.written) for rows in entrants.values() for row in rows.values()]
    if text := names_text(named):
        yield f"{text[0].upper()}{text[1:]}."
    for label, rows in entrants.items():
        if (variants := sorted({row.label for row in rows.values()})) != [label]:
            yield f"{label} is {' or '.join(variants)}."
    trained = [label for label, rows in entrants.items() if any("contaminated" in row.flags for row in rows.values())]
    if trained:
        yield f"Trained on {first.words['items']} of a set that they are tested on: {', '.join(trained)}."
    beyond = [label for label, rows in entrants.items() if any(r.oracle or r.role == "optimum" for r in rows.values())]
    if beyond:
        yield f"Not compared, because no method can reach them: {', '.join(beyond)}."
    shown = {row.label for rows in entrants.values() for row in rows.values()}
    failures = [f for level in levels for f in level.board.failures if f.label not in shown]
    if failures and not options.methods:
        yield f"Without a result: {', '.join(dict.fromkeys(f'{f.label} ({f.outcome})' for f in failures))}."
    if small := dict.fromkeys(level.dataset for level in levels if level.board.units.count < MIN_ITEMS):
        yield f"Too few {first.words['items']} to tell methods apart ({MIN_ITEMS} at least): {', '.join(small)}."
