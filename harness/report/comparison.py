"""What `compare` found: text, Markdown, LaTeX, and scatter plots with a point an item."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from ..comparing.comparison import Comparison
from ..comparing.difference import (
    DifferenceColumns,
    Differences,
    ScoreDifference,
    columns_of,
    reading_text,
)
from ..comparing.selection import MOVED, largest, selected
from ..components.tracks import known_track
from ..statistics.paired_tests import ALPHA
from ..store.record import arrow_of
from ..text.errors import one_line
from ..text.notation import Notation, notation_of, notation_of_digits, telling_apart
from ..text.wording import counted
from .comparison_files import comparison_csv, comparison_json
from .escape import latex, markdown
from .files import Content, text_bytes, write_files
from .plots.drawing import Plot, new_figure
from .tables import TextTable, ends_text, latex_float, to_markdown
from .track_protocols import HasChangedPanels, Previews
from .verdict import environment_lines

MORE = 1
"""Decimals more than on a board: a difference is small beside what differs."""
MAX_PLOTS = 12
MAX_CHANGED = 20
MOST = 50
"""Rows of a kind in what a person reads, where there are many; CSV and JSON have all."""


def difference_table(comparison: Comparison) -> TextTable:
    """A row a metric of a matched pair of cells; McNemar's p where some metric is 0 or 1 on every item."""
    binary = comparison.differences.columns.even.any()
    notations = notations_of(comparison.differences.columns)
    rows = []
    for d in comparison.differences:
        notation = notations[d.track, d.metric]
        better, same, worse = d.counts
        change = _signed(d.difference, notation)
        if d.interval is not None:
            change += " [{}, {}]".format(*ends_text(d.interval, notation, MORE))
        rows.append(
            (
                d.method, d.dataset, d.regime, d.protocol, d.seeds_text, f"{d.metric} {arrow_of(d.goal)}".rstrip(),
                str(len(d.items)), *(notation.text(mean, MORE) for mean in d.means), change,
                "–" if (p := _p(d)) is None else f"{p:.2g}",
                f"{better}/{same}/{worse}", *(["–" if d.mcnemar is None else f"{d.mcnemar:.2g}"] if binary else []),
            )
        )  # fmt: skip
    return TextTable(
        ("method", "dataset", "regime", "protocol", "seed", "metric", "items", "A", "B", "B − A [95 %]", "p (all rows)",
         "better/same/worse", *(["McNemar p"] if binary else [])),
        (False, False, False, False, True, False, True, True, True, True, True, True, *([True] if binary else [])),
        tuple(rows),
    )  # fmt: skip


def _p(d: ScoreDifference) -> float | None:
    """The p of a difference that is a number."""
    return d.p if math.isfinite(d.difference) else None


def notations_of(columns: DifferenceColumns) -> dict[tuple[str, str], Notation]:
    """How the numbers of each metric are written, by its track and name: means show what the test tells apart."""
    by_metric: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, metric in enumerate(zip(columns.track.tolist(), columns.metric.tolist(), strict=True)):
        by_metric[metric].append(place)
    notations = {}
    for metric, places in by_metric.items():
        means = columns.means[places]
        notation = notation_of(means.ravel().tolist(), int(columns.decimals[places[0]]))
        apart = means[columns.apart[places]].tolist()
        notations[metric] = telling_apart(notation, [(a, b) for a, b in apart], MORE)
    return notations


def _signed(value: float, notation: Notation) -> str:
    text = notation.text(value, MORE)
    return f"+{text}" if value > 0 and text.strip("0.") else text


def unmatched_table(comparison: Comparison) -> TextTable:
    """Cells without a partner."""
    return TextTable(
        ("side", "method", "where", "why"),
        (False,) * 4,
        tuple((u.side, u.method, u.where, u.reason) for u in comparison.unmatched),
    )


def sets_table(comparison: Comparison) -> TextTable:
    """Set metrics on both sides; a change within the standard error says so."""
    rows = []
    of_metric: dict[str, list[float]] = defaultdict(list)
    for s in comparison.sets:
        of_metric[s.change.metric] += [] if s.change.reason else [s.change.a, s.change.b]
    notations = {metric: notation_of_digits(values) for metric, values in of_metric.items()}
    for s in comparison.sets:
        c = s.change
        values = ("–", "–", "–") if c.reason else tuple(map(notations[c.metric].text, (c.a, c.b, c.change)))
        small = "within the standard error" if c.error and abs(c.change) <= c.error else ""
        rows.append((s.method, s.where, c.metric, str(c.n) if c.n else "–", *values, c.reason or small))
    return TextTable(
        ("method", "where", "set metric ↓", "N", "A", "B", "B − A", "note"),
        (False, False, False, True, True, True, True, False),
        tuple(rows),
    )


def speed_table(comparison: Comparison) -> TextTable:
    """Relative latency on both sides."""
    return TextTable(
        ("method", "setting", "× ref in A", "× ref in B", "B / A"),
        (False, False, True, True, True),
        tuple((s.method, s.setting, f"{s.a:.3g}", f"{s.b:.3g}", f"{s.b / s.a:.3g}") for s in comparison.speeds),
    )


def notes(comparison: Comparison, most: int = MOST) -> list[str]:
    """What must be known to read the table: partial matches, at most `most` and how many others; environments."""
    noted = comparison.differences.where(comparison.differences.columns.noted)
    places: dict[str, dict[str, None]] = {}
    for d in noted:
        places.setdefault(d.note, {})[f"{d.method} · {d.where}"] = None
    lines = [one_line(f"{_first_of(list(where))}: {note}") for note, where in places.items()]
    more = [f"… and {counted(len(lines) - most, 'more note')}"] if len(lines) > most else []
    timed = dict.fromkeys(one_line(s.note) for s in comparison.speeds if s.note)
    return [*lines[:most], *more, *timed, *environment_lines(comparison.environments)]


def _first_of(places: Sequence[str]) -> str:
    """The first place of a note, and how many more there are."""
    return places[0] if len(places) == 1 else f"{places[0]} and {len(places) - 1} more"


def tally(differences: Iterable[ScoreDifference]) -> str:
    """In how many rows B is told apart from A: `B is better in 1, worse in 6 and not told apart in 2 of 9 rows`."""
    tested = [one for one in differences if one.interval is not None]
    apart = [(one.difference > 0) == one.higher for one in tested if one.p <= ALPHA]
    if not tested:
        return ""
    better, rows = sum(apart), counted(len(tested), "row")
    return (
        f"B is better in {better}, worse in {len(apart) - better} and not told apart in {len(tested) - len(apart)} "
        f"of {rows}"
    )


def changed_most(comparison: Comparison) -> list[tuple[ScoreDifference, list[tuple[str, float]]]]:
    """The items that changed most, of the differences that changed most in the first metric."""
    first = _first_metric(comparison)
    return [(d, d.moved_most()) for d in largest(first.where(first.columns.changed), MAX_CHANGED, 0.0)]


def _first_metric(comparison: Comparison) -> Differences:
    """The differences in the metric that most of them have, the first of these on a board."""
    metrics = comparison.differences.columns.metric
    count = Counter(metrics.tolist())
    first = max(count, key=count.__getitem__, default="")
    return comparison.differences.where(metrics == first)


def comparison_markdown(comparison: Comparison, plots: Sequence[tuple[str, str]] = ()) -> str:
    """What matters of the comparison, all of a small one; `plots` are (path, caption)."""
    chosen = selected(comparison, MOST)
    shown = chosen.shown
    out = ["# noisebench comparison", "", f"- A: {markdown(comparison.name_a)}", f"- B: {markdown(comparison.name_b)}"]
    out += ["", markdown(reading_text(comparison.differences), 2_000), ""]
    if shown.differences:
        out += [*to_markdown(difference_table(shown)), ""]
    elif comparison.differences:
        out += [f"None of {counted(len(comparison.differences), 'difference')} moved.", ""]
    else:
        out += ["Nothing could be matched.", ""]
    if chosen.rest:
        out += [
            *(f"- {markdown(line)}" for line in chosen.rest),
            f"- {MOVED} comparison.csv and comparison.json have all.",
        ]
    out += [f"- {markdown(text)}" for text in notes(comparison)]
    if changed := changed_most(comparison):
        notations = notations_of(comparison.differences.columns)
        out += ["", "## What moved most", ""]
        for d, items in changed:
            notation = notations[d.track, d.metric]
            listed = ", ".join(f"{item} {_signed(change, notation)}" for item, change in items)
            out.append(f"- {markdown(f'{d.method} · {d.where} · {d.metric}: {listed}')}")
    if shown.unmatched:
        out += ["", "## Not matched", "", *to_markdown(unmatched_table(shown))]
    if shown.sets:
        out += ["", "## Set metrics", "", *to_markdown(sets_table(shown))]
    if shown.speeds:
        out += ["", "## Speed", "", *to_markdown(speed_table(shown))]
    if plots:
        out += ["", "## Plots", ""]
        out += [f"![{markdown(caption)}]({path})\n\n{markdown(caption)}\n" for path, caption in plots]
    return "\n".join([*out, ""])


def comparison_latex(comparison: Comparison) -> str:
    """A booktabs table of what matters, to be `\\input`."""
    chosen = selected(comparison, MOST)
    shown = chosen.shown
    caption = " ".join(
        [
            f"A: {comparison.name_a}. B: {comparison.name_b}. {reading_text(comparison.differences)}",
            *([MOVED] if chosen.rest else []),
        ]
    )
    caption = latex(one_line(caption, 2_000))
    _, *table = latex_float(caption, difference_table(shown), label="tab:noisebench-compare")
    out = [r"% \usepackage{booktabs,textcomp}\usepackage[T1]{fontenc}", *table]
    out += [f"% {latex(line)}" for line in chosen.rest]
    if shown.unmatched:
        out += latex_float("Not matched.", unmatched_table(shown))
    return "\n".join([*out, ""])


def write_comparison(comparison: Comparison, to: Path, previews: tuple[Previews, Previews] | None = None) -> list[Path]:
    """Write `comparison.{md,csv,tex,json}`, `plots/scatter-*` and, of the previews of A and of B, `plots/moved-*`.

    The files written. Raises `UsageError`.
    """
    plots, plot_notes = _plots(comparison, previews)
    text = comparison_markdown(comparison, [(f"plots/{plot.name}.png", plot.caption) for plot in plots])
    text += "".join(f"\n{note}\n" for note in plot_notes)
    files: dict[str, Content] = {
        "comparison.md": text_bytes(text),
        "comparison.csv": lambda: comparison_csv(comparison),
        "comparison.tex": text_bytes(comparison_latex(comparison)),
        "comparison.json": lambda: comparison_json(comparison),
    }
    for plot in plots:
        files |= {f"plots/{plot.name}.png": plot.png, f"plots/{plot.name}.svg": plot.svg}
    return write_files(files, to, replaces=("(?:scatter|moved)-[0-9]{2}",))


def _plots(comparison: Comparison, previews: tuple[Previews, Previews] | None) -> tuple[list[Plot], list[str]]:
    from .plots.drawing import styled

    by_track = attrgetter("track")
    drawn = (first := _first_metric(comparison)).where(first.columns.finite)
    chosen = largest(drawn, 2 * MAX_CHANGED, 0.0)
    plot_notes = []
    with styled():
        plots = [_scatter(difference, comparison, place) for place, difference in enumerate(chosen[:MAX_PLOTS], 1)]
        if len(drawn) > len(plots):
            plot_notes.append(f"{MAX_PLOTS} of {len(drawn)} scatter plots are drawn, those that moved most.")
        for name, of_track in groupby(sorted(chosen, key=by_track), key=by_track):
            track = known_track(name)
            if previews is not None and isinstance(track, HasChangedPanels):
                panels, note = track.changed_panels(comparison, list(of_track), *previews)
                plots += panels
                plot_notes += [note] if note else []
    return plots, plot_notes


def _scatter(d: ScoreDifference, comparison: Comparison, place: int) -> Plot:
    """A point an item: A across, B up, the line of equality between them."""
    from matplotlib.ticker import MaxNLocator

    from .plots.axis_text import metric_name
    from .plots.drawing import fit, save
    from .plots.looks import COLOURS

    figure = new_figure(3.6, 3.6)
    axes = figure.add_axes((0.17, 0.15, 0.78, 0.73))
    low, high = float(min(d.a.min(), d.b.min())), float(max(d.a.max(), d.b.max()))
    pad = 0.05 * (high - low) or max(0.01, abs(low) * 1e-3)
    axes.plot([low - pad, high + pad], [low - pad, high + pad], color="#999999", linewidth=0.8)
    better = d.gains >= 0
    for chosen, colour, marker in ((better, COLOURS[0], "o"), (~better, COLOURS[1], "v")):
        axes.plot(d.a[chosen], d.b[chosen], marker, color=colour, markersize=4, markerfacecolor="none")
    axes.set_xlim(low - pad, high + pad)
    axes.set_ylim(low - pad, high + pad)
    axes.set_aspect("equal")
    ticks = [tick for tick in MaxNLocator(5).tick_values(low, high) if low - pad <= tick <= high + pad]
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    name, unit = metric_name(d.track, d.metric), f" ({d.unit})" if d.unit else ""
    one, other = (d.method_a, d.method_b) if d.method_a != d.method_b else (comparison.name_a, comparison.name_b)
    axes.set_xlabel(fit(f"{name}{unit}, A: {one}", 2.8))
    axes.set_ylabel(fit(f"{name}{unit}, B: {other}", 2.6))
    axes.set_title(fit(d.where if d.method_a != d.method_b else f"{d.method} · {d.where}", 3.2, 9), fontsize=8)
    change = (
        "no number"
        if math.isnan(d.difference)
        else _signed(d.difference, notations_of(columns_of([d]))[d.track, d.metric])
    )
    side = "above" if d.higher else "below"
    caption = (
        f"{d.method} · {d.where}: a point an item, {side} the line B is better; mean {f'{change} {d.unit}'.strip()}."
    )
    return save(figure, f"scatter-{place:02d}", caption)
