"""Plots of what classifiers said of each picture: reliability, confusions, and the ROC of two classes.

They are made of what a cell keeps: the probability of the true class, and of each mistake the true and the found class
and how likely that was held to be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...boards.board import Board
from ...boards.rows import Row
from ...report.escape import slug
from ...report.plots.curve_panels import Curve, CurvePanel, draw_curves
from ...report.plots.drawing import Plot, fit, legend_names, new_figure, place, save
from ...report.plots.looks import looks_of
from ...report.plots.selection import limited
from ...report.plots.sheets import Sheet
from ...text.errors import one_line

Floats = npt.NDArray[np.float64]
BINS = 10
"""Of confidence, in a reliability diagram."""
MATRICES, MOST_CLASSES = 4, 20
"""Methods in a figure of confusions, and classes that can be read in one."""
ALWAYS_FIRST = "uniform"
"""The method whose likeliest class is always the first: with it the class of every item is known."""
_RELIABILITY = CurvePanel(
    "reliability", "confidence", "share of right answers", "best", marked=True, diagonal=True, family="answers"
)
_ROC = CurvePanel("roc", "false alarms", "found", "lower right", diagonal=True, family="answers")


@dataclass(frozen=True)
class Answers:
    """What one method said of the N items of a board, with the first seed.

    `right` (N,) says of which the likeliest class is the true one, `confidence` (N,) how likely it was held to be,
    `truth` (N,) how likely the true class was, and `answers` are the classes that were said of those that are wrong.
    """

    row: Row
    right: npt.NDArray[np.bool_]
    confidence: Floats
    truth: Floats
    answers: Mapping[int, str]


def answer_plots(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """Of boards of which mistakes were kept, those with most methods first: at most `most` plots of each kind."""
    answered = sorted(((board, each) for board in boards if (each := answers_of(board))), key=lambda one: -len(one[1]))
    looks, plots = looks_of(boards), list[Plot]()
    for n, (board, each) in enumerate(limited(answered, most, "reliability", notes), 1):
        curves = [(one.row, *reliability(one.confidence, one.right)) for one in each]
        caption = (
            f"Reliability on {board.title}: the share of right answers among {board.words['items']} that a method was "
            f"so sure of, in {BINS} bins; above the grey line it is right more often than it says, below less often."
        )
        plots.append(draw_curves(_RELIABILITY, board, curves, n, looks, sheet, caption))
    known = [(board, each, truths) for board, each in answered if (truths := truths_of(board))]
    of_two = [one for one in known if len({*one[2].values()}) == 2 and _first(one[0])]
    for n, (board, each, truths) in enumerate(limited(of_two, most, "ROC curves", notes), 1):
        second = np.array([truths[item] != _first(board) for item in board.items])
        curves_of_two: list[Curve] = [
            (one.row, *roc(np.where(second, one.truth, 1 - one.truth), second)) for one in each
        ]
        name = next(truth for truth in truths.values() if truth != _first(board))
        caption = (
            f"ROC on {board.title}: the share of {board.words['items']} of the class {name} that are found against "
            f"that of the others that are taken for it, over all limits; the grey line is chance."
        )
        plots.append(draw_curves(_ROC, board, curves_of_two, n, looks, sheet, caption))
    confused = [one for one in known if 2 <= len({*one[2].values()}) <= MOST_CLASSES]
    for n, (board, each, truths) in enumerate(limited(confused, most, "confusions", notes), 1):
        plots.append(_draw_confusions(board, each, truths, n, sheet))
    return plots


def answers_of(board: Board) -> list[Answers]:
    """What each method said, best first; of those that give probabilities and whose mistakes are kept."""
    columns = {column.name: column for column in board.columns}
    if "accuracy" not in columns or not {"nll", "probability"} & {*columns}:
        return []
    place = {item: n for n, item in enumerate(board.items)}
    answered = []
    for row in board.rows:
        if row.mistakes is None or row.inputs != board.inputs or row.oracle or row.name == ALWAYS_FIRST:
            continue
        right = row.scores[columns["accuracy"].label].by_seed
        likely = row.scores[columns["probability" if "probability" in columns else "nll"].label].by_seed
        if right is None or likely is None or not np.isfinite(right[0]).all() or np.isnan(likely[0]).any():
            continue
        truth = likely[0] if "probability" in columns else np.exp(-likely[0])
        confidence, answers = truth.copy(), dict[int, str]()
        for one in row.mistakes:
            if one.likely is None or one.item not in place:
                break
            confidence[place[one.item]], answers[place[one.item]] = one.likely, one.answer
        else:
            answered.append(Answers(row, right[0] > 0.5, confidence, truth, answers))
    return answered


def truths_of(board: Board) -> dict[str, str]:
    """The true class of every item, by its name; nothing where that of some item is not known."""
    first = _first(board)
    known = {one.item: one.truth for row in board.rows for one in row.mistakes or ()}
    truths = {item: known.get(item, first) for item in board.items}
    return truths if all(truths.values()) else {}


def _first(board: Board) -> str:
    """The name of the first class, empty where nothing tells it."""
    answers = {
        one.answer
        for row in board.rows
        if row.name == ALWAYS_FIRST and row.inputs == board.inputs
        for one in row.mistakes or ()
    }
    return answers.pop() if len(answers) == 1 else ""


def reliability(confidence: Floats, right: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Mean confidence and share of right answers in each bin (i / BINS, (i + 1) / BINS] that has any."""
    places = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    count = np.bincount(places, minlength=BINS)
    filled = count > 0
    sums = (np.bincount(places, weights=values, minlength=BINS)[filled] for values in (confidence, right))
    mean, share = (one / count[filled] for one in sums)
    return mean, share


def roc(scores: Floats, second: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """False alarms and found, from (0, 0) to (1, 1), at every limit of the scores; equal ones are one step."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    recall = np.cumsum(second[order])[ends] / max(1, int(second.sum()))
    alarms = np.cumsum(~second[order])[ends] / max(1, int((~second).sum()))
    return np.append(0.0, alarms), np.append(0.0, recall)


def confusion(method: Answers, truths: Sequence[str], classes: Sequence[str]) -> Floats:
    """Shares (K, K): of the items of each true class (rows) those that were taken for each class."""
    place = {name: n for n, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)))
    for n, truth in enumerate(truths):
        counts[place[truth], place[method.answers.get(n, truth)]] += 1
    shares: Floats = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def _draw_confusions(
    board: Board, methods: Sequence[Answers], truths: Mapping[str, str], number: int, sheet: Sheet
) -> Plot:
    k, drawn = sheet.scale, methods[:MATRICES]
    classes = sorted({*truths.values(), *(answer for one in drawn for answer in one.answers.values())})
    head, gap, foot = 0.62 * k, 0.24 * k, 0.5 * k
    margin = min(1.1 * k, sheet.width / 5)
    side = min(2.4 * k, (sheet.width - margin - gap * len(drawn)) / len(drawn))
    height = head + side + foot
    figure = new_figure(sheet.width, height)
    names = legend_names([one.row.label for one in drawn], side, sheet.text)
    every = max(1, math.ceil(len(classes) * sheet.line / side))
    shown = [fit(name, margin * 0.8, sheet.text) if n % every == 0 else "" for n, name in enumerate(classes)]
    for place_, one in enumerate(drawn):
        axes = place(figure, margin + place_ * (side + gap), foot, side, side)
        shares = confusion(one, [truths[item] for item in board.items], classes)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
        axes.set_xticks(range(len(classes)), shown if max(map(len, shown)) <= 2 else [""] * len(classes))
        axes.set_yticks(range(len(classes)), shown if place_ == 0 else [""] * len(classes))
        axes.tick_params(length=0)
        axes.grid(False)
        if place_ == 0:
            axes.set_ylabel(fit(f"true {board.words['truth']}", side, sheet.text))
        axes.set_xlabel(fit("taken for", side, sheet.text))
        axes.set_title(names[one.row.label], fontsize=sheet.text)
        if len(classes) <= 4:
            for (row, column), share in np.ndenumerate(shares):
                tone = "white" if share > 0.5 else "black"
                axes.text(column, row, f"{share:.2f}", ha="center", va="center", color=tone, fontsize=sheet.text)
    heading = fit(board.title, sheet.width - 0.3, sheet.heading)
    figure.text(0.5, 1 - 0.16 * k / height, heading, ha="center", va="center", fontsize=sheet.heading)
    caption = (
        f"Confusions on {board.title}: of the {board.words['items']} of each true class, a line each, the share that a "
        f"method took for each class, in the order of the lines; dark blue is all of them."
    )
    return save(figure, f"answers-{number:02d}-confusions-{slug(board.title, 48)}", one_line(caption, 900))
