"""Recipes against each other: spread over seeds, quality at equal time and at equal memory; what they took. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median

import numpy as np

from ..statistics.exact_scores import is_exact
from ..store.cell import TrainingCost, TrainingHistory, Tuning
from ..store.record import Record, used_trainings, with_needed, words_of
from ..store.results import Results
from .board import Board
from .rows import Column, Row


@dataclass(frozen=True)
class Trial:
    """One training of a recipe: the seed of the cell that uses it, its key, how it went, and on which machine.

    `validated_on` says on what in words. `tuning` is the grid that it was chosen from, None where it was not tuned;
    `spent` the seconds of all trainings of that.
    """

    seed: int
    key: str
    training: TrainingHistory
    validated_on: str
    machine: str
    tuning: Tuning | None
    spent: float


@dataclass(frozen=True)
class Checked:
    """One validation of a recipe, after `step` steps: seconds and score of each of its trainings."""

    step: int
    seconds: tuple[float, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True)
class RecipeTrials:
    """A method with one trained network, its `trials` by seed: of several the mean is said, of times the median."""

    track: str
    label: str
    trials: tuple[Trial, ...]

    @property
    def seconds(self) -> float:
        """Of the steps of one training: the median."""
        return median(trial.training.cost.seconds for trial in self.trials)

    @property
    def memory(self) -> float:
        """Bytes of parameters, gradients, optimiser state and what a step saves: what training must hold at once."""
        return fmean(memory_of(trial.training.cost) for trial in self.trials)

    def mean_cost(self, name: str) -> float | None:
        """The mean of one number of `TrainingCost`; None where a training lacks it."""
        costs: list[float | None] = [getattr(trial.training.cost, name) for trial in self.trials]
        known = [value for value in costs if value is not None]
        return fmean(known) if len(known) == len(costs) else None

    @property
    def figures(self) -> dict[str, float]:
        """What the parts found in each of its trainings, by name: the means."""
        recorded = [trial.training.figures or {} for trial in self.trials]
        return {
            name: fmean(one[name] for one in recorded) for name in recorded[0] if all(name in one for one in recorded)
        }

    @property
    def figure_costs(self) -> dict[str, str]:
        """Those of its figures that are a cost, and what each is called."""
        return {name: words for name, words in self.trials[0].training.figure_costs.items() if name in self.figures}

    @property
    def score(self) -> float | None:
        """The validation score of the finished networks; None where one has none."""
        trial_scores = [trial.training.score for trial in self.trials]
        scores = [score for score in trial_scores if score is not None]
        return fmean(scores) if len(scores) == len(trial_scores) else None

    @property
    def spent(self) -> float:
        """Seconds of all trainings, those of the grid included."""
        return sum(trial.spent for trial in self.trials)

    def score_after(self, seconds: float) -> float | None:
        """The validation score after so many seconds: at the medians of its seconds, the means of its scores.

        None before the first validation.
        """
        points = self.curve
        return score_at([median(one.seconds) for one in points], [fmean(one.scores) for one in points], seconds)

    @cached_property
    def curve(self) -> tuple[Checked, ...]:
        """The validations that all of its trainings have, with a score."""
        curves = [{point.step: point for point in trial.training.curve} for trial in self.trials]
        points = []
        for step in sorted(set(curves[0]).intersection(*curves[1:])):
            scores = [score for curve in curves if (score := curve[step].score) is not None]
            if len(scores) == len(curves):
                points.append(Checked(step, tuple(curve[step].seconds for curve in curves), tuple(scores)))
        return tuple(points)


@dataclass(frozen=True)
class Race:
    """Recipes that were validated on the same items by the same metric, best first: only their scores compare."""

    track: str
    metric: str
    higher: bool
    validated_on: str
    recipes: tuple[RecipeTrials, ...]

    @property
    def time(self) -> float:
        """Seconds after which the fastest recipe has ended: the time that all have had."""
        return min(recipe.seconds for recipe in self.recipes)


@dataclass(frozen=True)
class RecipeRow:
    """A recipe on a board: its mean and ranks there, and the deviation of the means of its seeds.

    `behind` is by how much it is worse than the best of those that need no more memory: 0 for that one.
    """

    recipe: RecipeTrials
    mean: float
    deviation: float | None
    behind: float
    ranks: tuple[int, int] | None


@dataclass(frozen=True)
class RecipeBoard:
    """The recipes of a board, in its order, by the metric `column` that it ranks by.

    `exact` are the labels of recipes that have every item exact and so have no mean.
    """

    board: Board
    column: Column
    rows: tuple[RecipeRow, ...]
    exact: tuple[str, ...]

    @property
    def figures(self) -> list[str]:
        """The figures that all of its recipes have, those that are a cost left out."""
        first, *others = (row.recipe.figures for row in self.rows)
        return [name for name in first if name not in self.costs and all(name in other for other in others)]

    @property
    def costs(self) -> dict[str, str]:
        """The figures that are a cost to two of its recipes or more, and what each is called."""
        named = [(name, words) for row in self.rows for name, words in row.recipe.figure_costs.items()]
        count = Counter(name for name, _ in named)
        return {name: words for name, words in named if count[name] > 1}


def memory_of(cost: TrainingCost) -> int:
    """Bytes that a training must hold at once: parameters, gradients, optimiser state, and what a step saves."""
    return cost.parameter_bytes + cost.gradient_bytes + cost.optimizer_bytes + cost.saved_bytes


def score_at(times: Sequence[float], scores: Sequence[float], seconds: float) -> float | None:
    """The score after so many seconds: linear between two of the `times`, the last one after them, None before them."""
    return None if not times or seconds < times[0] else float(np.interp(seconds, times, scores))


@dataclass(frozen=True)
class Recipes:
    """All recipes of a report: on each board that has two or more, and by what they were validated on."""

    boards: tuple[RecipeBoard, ...]
    races: tuple[Race, ...]


def compare_recipes(boards: Sequence[Board], records: Results) -> Recipes:
    """The recipes behind `boards`; `records` have their cells and the trainings of these."""
    if not any(Results.of(records).distinct("cell.training")):
        return Recipes((), ())
    known = {record.cell.key: record for record in records}
    recipes = _recipes_of(boards, known)
    ranked = [_recipe_board(board, recipes) for board in boards] if recipes else []
    compared = [one for one in ranked if one is not None and differ([row.recipe for row in one.rows])]
    races = _races(recipes)
    if not compared:
        # Nothing is compared where all rows share their trainings.
        races = [race for race in races if len(race.recipes) == 1 or differ(race.recipes)]
    return Recipes(tuple(compared), tuple(races))


def differ(recipes: Sequence[RecipeTrials]) -> bool:
    """Whether there is more than one recipe: samplers of one model, say, are many rows of one."""
    return len({tuple(trial.key for trial in recipe.trials) for recipe in recipes}) > 1


def _recipes_of(boards: Iterable[Board], known: Mapping[str, Record]) -> dict[tuple[str, str], RecipeTrials]:
    """(track, label) → recipe of every row that rests on one trained network a seed."""
    trials: dict[tuple[str, str], dict[int, Trial]] = defaultdict(dict)
    for board in boards:
        for row in board.rows:
            for record in (known[key] for key in row.keys if key in known):
                trial = _trial(record, known)
                if trial is not None:
                    trials[board.track, row.label].setdefault(trial.seed, trial)
    return {
        place: RecipeTrials(*place, tuple(by_seed[seed] for seed in sorted(by_seed)))
        for place, by_seed in trials.items()
    }


def _trial(record: Record, known: Mapping[str, Record]) -> Trial | None:
    cell = record.cell
    keys = used_trainings(cell)
    trained = known.get(keys[0]) if len(keys) == 1 else None
    if trained is None or (training := trained.cell.training) is None:
        return None
    training_cell = trained.cell
    tuning = next(iter(cell.tuned), None)
    variants = [variant.key for variant in (tuning.variants if tuning else ())]
    tried = with_needed([keys[0], *variants], lambda key: known[key].cell if key in known else None)
    ended = [one for key in tried if key in known and (one := known[key].cell.training) is not None]
    where = training_cell.environment
    machine = ", ".join(str(where[name]) for name in ("device", "cpu", "gpu", "threads") if where.get(name))
    items = words_of(training_cell)["items"]
    return Trial(
        cell.seed,
        keys[0],
        training,
        f"{len(training.validation)} {items} of {training_cell.dataset.display} · {training_cell.regime.display}",
        machine,
        tuning,
        sum(one.cost.seconds for one in ended),
    )


def _races(recipes: Mapping[tuple[str, str], RecipeTrials]) -> list[Race]:
    """The recipes by what they were validated on, in the order in which the first of each was met."""
    races: dict[Hashable, list[RecipeTrials]] = defaultdict(list)
    for recipe in recipes.values():
        first = recipe.trials[0]
        training = first.training
        races[recipe.track, training.metric, first.validated_on, tuple(training.validation)].append(recipe)
    return [_race(recipes_of_race) for recipes_of_race in races.values()]


def _race(recipes: Sequence[RecipeTrials]) -> Race:
    first = recipes[0].trials[0]
    sign = -1.0 if first.training.higher else 1.0

    def place(recipe: RecipeTrials) -> tuple[bool, float, str]:
        return recipe.score is None, sign * (recipe.score or 0.0), recipe.label

    ordered = tuple(sorted(recipes, key=place))
    return Race(recipes[0].track, first.training.metric, first.training.higher, first.validated_on, ordered)


def _recipe_board(board: Board, recipes: Mapping[tuple[str, str], RecipeTrials]) -> RecipeBoard | None:
    """The recipes of a board; None where it has none, or ranks by nothing."""
    column = board.rank_by
    if column is None:
        return None
    label = column.label
    ranked = [(recipes[board.track, row.label], row) for row in board.ranked if (board.track, row.label) in recipes]
    rows = [(recipe, row) for recipe, row in ranked if np.isfinite(row.scores[label].mean)]
    if not rows:
        return None
    best = max if column.higher else min
    ranked_rows = []
    for recipe, row in rows:
        mean = row.scores[label].mean
        fits = [other.scores[label].mean for recipe_of_row, other in rows if recipe_of_row.memory <= recipe.memory]
        ranked_rows.append(RecipeRow(recipe, mean, _deviation(row, column, board), mean - best(fits), row.ranks))
    exact = tuple(recipe.label for recipe, row in ranked if not np.isfinite(row.scores[label].mean))
    return RecipeBoard(board, column, tuple(ranked_rows), exact)


def _deviation(row: Row, column: Column, board: Board) -> float | None:
    """The standard deviation of the means of its seeds, over the units that it has exact with none."""
    scores = board.units.average(np.asarray(row.scores[column.label].by_seed))
    kept = ~is_exact(scores, column.higher).any(axis=0)
    return float(scores[:, kept].mean(axis=1).std(ddof=1)) if len(scores) > 1 and kept.any() else None
