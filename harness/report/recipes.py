"""The recipe board as tables: spread over seeds, quality at equal time and memory, the grids, and what all took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..boards.recipes import Race, RecipeBoard, Recipes, RecipeTrials, memory_of
from ..store.cell import Tuning, known
from ..store.cell_json import plain_values
from ..store.record import decimals_of
from ..store.results import Results
from ..text.notation import Notation, notation_of
from .escape import spreadsheet
from .order_stability import MAX_SECTIONS
from .section import Section
from .short_names import short_names
from .tables import TextTable, count_text, csv_text, digits_text, metric_title, rank_text

_MIB = 2**20
_HOUR = 3600
USUAL_DECIMALS = 2
COVERS = "_covers"
"""What follows the name of a part in its figure of the share of weights that it covers."""
BYTES = ("parameter_bytes", "gradient_bytes", "optimizer_bytes", "saved_bytes")


def mib_text(count: float | None) -> str:
    """Bytes in MiB, three digits."""
    return "–" if count is None else f"{count / _MIB:.3g}"


def decimals_by_metric(records: Results) -> dict[str, int]:
    """Metric → how many decimals of it are printed, of all that were scored; the last result says it."""
    decimals: dict[str, int] = {}
    for parts in records.take(range(len(records) - 1, -1, -1)).distinct("cell.metrics"):
        for name, part in parts.items():
            decimals.setdefault(name, decimals_of(name, part))
    return decimals


def recipe_sections(recipes: Recipes, decimals: Mapping[str, int]) -> list[Section]:
    """A section a board that has two recipes or more, then one on their trainings; none without a recipe."""
    chosen = sorted(recipes.boards, key=lambda ranked: -len(ranked.rows))[:MAX_SECTIONS]
    sections = [_board_section(ranked) for ranked in recipes.boards if ranked in chosen]
    return [*sections, *([_trainings_section(recipes.races, decimals)] if recipes.races else [])]


# ------------------------------------------------------------------------------------------------- on a board


def _board_section(ranked: RecipeBoard) -> Section:
    board, notation = ranked.board, ranked.column.notation
    names, shared = short_names([row.recipe.label for row in ranked.rows])
    lines = ["Ranks and intervals of these are those of the board."]
    if ranked.exact:
        lines.append(f"In no table, because exact on all {board.units.words(board.words)}: {', '.join(ranked.exact)}.")
    one_training = [row.recipe for row in ranked.rows if len({trial.key for trial in row.recipe.trials}) == 1]
    if fixed := [names[recipe.label] for recipe in one_training if len(recipe.trials) > 1]:
        lines.append(f"Trained once for all seeds, so that nothing is known of other trainings: {', '.join(fixed)}.")
    if shared:
        lines.append(f"All have in common: {shared}.")
    partly = [
        f"{names[row.recipe.label]}: {name.removesuffix(COVERS)} covers {min(100 * share, 99.9):.3g} %"
        for row in ranked.rows
        for name, share in row.recipe.figures.items()
        if name.endswith(COVERS) and share < 1
    ]
    if partly:
        lines.append(f"Of all weights of the network: {'; '.join(partly)}.")
    lines.append(
        "Training MiB: what a training must hold at once: parameters, gradients, state of the optimiser and what a "
        "step saves for its backward pass. In this memory: the difference to the best recipe that needs no more of it."
    )
    head = (
        "recipe", "rank", metric_title(ranked.column), "deviation of seeds", "training MiB", "in this memory",
        *ranked.costs.values(),
    )  # fmt: skip
    rows = tuple(
        (
            names[row.recipe.label], rank_text(row.ranks), notation.text(row.mean), notation.text(row.deviation, 1),
            mib_text(row.recipe.memory), "best" if row.behind == 0 else notation.text(row.behind),
            *(digits_text(row.recipe.figures.get(name)) for name in ranked.costs),
        )
        for row in ranked.rows
    )  # fmt: skip
    numeric = (False, *(True,) * (len(head) - 1))
    labels = tuple(row.recipe.label for row in ranked.rows)
    tables = [("Final quality", TextTable(head, numeric, rows, labels=labels)), *_figures_table(ranked, names)]
    return Section(f"Recipes: {board.title}", tuple(lines), tuple(tables), board.title, recipes=True)


def _figures_table(ranked: RecipeBoard, names: Mapping[str, str]) -> list[tuple[str, TextTable]]:
    """What the parts of all recipes found, in the order of the board; nothing where they have no figure in common."""
    if not ranked.figures:
        return []
    rows = tuple(
        (names[row.recipe.label], *(digits_text(row.recipe.figures[name]) for name in ranked.figures))
        for row in ranked.rows
    )
    numeric = (False, *(True,) * len(ranked.figures))
    labels = tuple(row.recipe.label for row in ranked.rows)
    table = TextTable(("recipe", *ranked.figures), numeric, rows, labels=labels)
    return [("What the parts of all of them found, means over seeds", table)]


# ---------------------------------------------------------------------------------------------- of trainings


def _trainings_section(races: Sequence[Race], decimals: Mapping[str, int]) -> Section:
    recipes = [recipe for race in races for recipe in race.recipes]
    names, shared = short_names(list(dict.fromkeys(recipe.label for recipe in recipes)))
    lines = [
        "Validation scores of one table are of the same items, which are kept apart from the training set and are none "
        "of those on the boards.",
        "The score after so many seconds is that when the fastest recipe of the table had ended, linear between two "
        "validations; a schedule that was made for more steps is not at its end there. Hours are of the steps of all "
        "trainings, those of the grid included.",
    ]
    if shared:
        lines.append(f"All have in common: {shared}.")
    machines = sorted({trial.machine for recipe in recipes for trial in recipe.trials})
    if len(machines) > 1:
        lines.append(f"Trained on several machines, so that seconds do not compare: {'; '.join(machines)}.")
    tables = [(f"Validated on {race.validated_on}", _race_table(race, names, decimals)) for race in races]
    grids = [recipe for recipe in recipes if any(trial.tuning is not None for trial in recipe.trials)]
    if grids:
        metric_decimals = {race.metric: decimals.get(race.metric, USUAL_DECIMALS) for race in races}
        tables.append(("What each was tuned over, by its validation score", _grid_table(grids, names, metric_decimals)))
        tuned = [(recipe, trial.tuning) for recipe in grids for trial in recipe.trials if trial.tuning is not None]
        edges = sorted({f"{name} of {names[recipe.label]}" for recipe, grid in tuned for name in grid.edge or ()})
        if edges:
            lines.append(f"At an edge of what was tried, so that further values may be better: {'; '.join(edges)}.")
    return Section("Recipes", tuple(lines), tuple(tables), recipes=True)


def _race_table(race: Race, names: Mapping[str, str], decimals: Mapping[str, int]) -> TextTable:
    raced = len(race.recipes) > 1
    known_decimals = decimals.get(race.metric, USUAL_DECIMALS)
    notation = notation_of((recipe.score for recipe in race.recipes), known_decimals)
    head = (
        "recipe", "seeds", f"{race.metric} at the end", *((f"after {digits_text(race.time)} s",) if raced else ()),
        "seconds", "hours in all", "training MiB", "parameters", "gradients", "optimiser", "saved", "peak MiB",
        "MACs/step",
    )  # fmt: skip
    rows = []
    for recipe in race.recipes:
        macs = recipe.mean_cost("macs")
        rows.append(
            (
                names[recipe.label], str(len(recipe.trials)), notation.text(recipe.score),
                *((notation.text(recipe.score_after(race.time)),) if raced else ()),
                digits_text(recipe.seconds), digits_text(recipe.spent / _HOUR), mib_text(recipe.memory),
                *(mib_text(recipe.mean_cost(name)) for name in (*BYTES, "peak_memory_bytes")),
                count_text(None if macs is None else round(macs)),
            )
        )  # fmt: skip
    labels = tuple(recipe.label for recipe in race.recipes)
    return TextTable(head, (False, *(True,) * (len(head) - 1)), tuple(rows), labels=labels)


def _grid_table(recipes: Sequence[RecipeTrials], names: Mapping[str, str], decimals: Mapping[str, int]) -> TextTable:
    """A row a variant, a column a seed: `26.91`, in brackets how it ended without one; the chosen one is marked."""
    seeds = sorted({trial.seed for recipe in recipes for trial in recipe.trials})
    rows, labels = [], []
    for recipe in recipes:
        tunings = {trial.seed: trial.tuning for trial in recipe.trials if trial.tuning is not None}
        scores = [known(variant.score) for tuning in tunings.values() for variant in tuning.variants]
        notation = notation_of(scores, decimals[recipe.trials[0].training.metric])
        first = next(iter(tunings.values()))
        for place in range(len(first.variants)):
            cells = (_variant(tunings[seed], place, notation) if seed in tunings else "–" for seed in seeds)
            rows.append((names[recipe.label], _tried(first, place), *cells))
            labels.append(recipe.label)
    head = ("recipe", "tried", *(f"seed {seed}" for seed in seeds))
    return TextTable(head, (False, False, *(True,) * len(seeds)), tuple(rows), labels=tuple(labels))


def _tried(tuning: Tuning, place: int) -> str:
    """`batch=4, optimizer.lr=0.1`."""
    return ", ".join(map("=".join, zip(tuning.vary, tuning.variants[place].values, strict=True)))


def _variant(tuning: Tuning, place: int, notation: Notation) -> str:
    variant = tuning.variants[place]
    score = known(variant.score)
    text = f"({variant.outcome or 'not run'})" if score is None else notation.text(score)
    return f"{text} chosen" if tuning.chosen == place else text


# ------------------------------------------------------------------------------------------------ for programs


def recipes_csv(recipes: Recipes) -> str:
    """A row a board and recipe, numbers in full; validation at equal time is that of what was validated on the same."""
    rows = [line for ranked in recipes.boards for line in _lines(ranked, recipes.races)]
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["recipe"]
    return csv_text(names, ([row.get(name, "") for name in names] for row in rows))


def _lines(ranked: RecipeBoard, races: Sequence[Race]) -> list[dict[str, str]]:
    board = ranked.board
    lines = []
    for row in ranked.rows:
        recipe = row.recipe
        race = next(race for race in races if recipe in race.recipes)
        numbers = {
            "mean": row.mean, "seed_deviation": row.deviation, "behind_in_memory": row.behind,
            "validation": recipe.score, "equal_seconds": race.time,
            "validation_at_equal_seconds": recipe.score_after(race.time), "seconds": recipe.seconds,
            "seconds_in_all": recipe.spent, "training_bytes": recipe.memory,
            **{name: recipe.mean_cost(name) for name in (*BYTES, "peak_memory_bytes", "macs")},
            **{spreadsheet(f"figure {name}"): value for name, value in recipe.figures.items()},
        }  # fmt: skip
        lines.append(
            {
                "track": spreadsheet(board.track), "dataset": spreadsheet(board.dataset),
                "regime": spreadsheet(board.regime), "protocol": spreadsheet(board.protocol),
                "seeds": ",".join(map(str, board.seeds)), "recipe": spreadsheet(recipe.label),
                "metric": spreadsheet(ranked.column.label), "validation_metric": spreadsheet(race.metric),
                "validated_on": spreadsheet(race.validated_on),
                **{name: "" if value is None else f"{value:.9g}" for name, value in numbers.items()},
            }
        )  # fmt: skip
    return lines


def tuned_csv(recipes: Recipes) -> str:
    """A row a variant and seed of every grid."""
    rows = []
    for race in recipes.races:
        trials = ((recipe.label, trial) for recipe in race.recipes for trial in recipe.trials)
        tuned = ((label, trial.seed, trial.tuning) for label, trial in trials if trial.tuning is not None)
        for label, seed, tuning in tuned:
            for place, variant in enumerate(tuning.variants):
                score = known(variant.score)
                rows.append((
                    spreadsheet(label), seed, spreadsheet(_tried(tuning, place)),
                    spreadsheet(variant.outcome or ""), spreadsheet(race.metric),
                    "" if score is None else f"{score:.9g}",
                    str(tuning.chosen == place).lower(), spreadsheet(variant.key),
                ))  # fmt: skip
    return csv_text(("recipe", "seed", "tried", "outcome", "metric", "validation", "chosen", "key"), rows)


def recipes_values(recipes: Recipes) -> dict[str, Any]:
    """For `summary.json`: the boards, and each race with the curves of its trainings."""
    return {
        "boards": [
            {
                "title": ranked.board.title, "metric": ranked.column.label,
                "rows": [
                    {**{name: value for name, value in vars(row).items() if name != "recipe"},
                     "recipe": row.recipe.label, "figures": row.recipe.figures}
                    for row in ranked.rows
                ],
            }
            for ranked in recipes.boards
        ],
        "races": [
            {
                "track": race.track, "metric": race.metric, "higher": race.higher, "validated_on": race.validated_on,
                "equal_seconds": race.time,
                "recipes": [
                    {
                        "recipe": recipe.label, "validation": recipe.score, "seconds": recipe.seconds,
                        "validation_at_equal_seconds": recipe.score_after(race.time),
                        "seconds_in_all": recipe.spent, "training_bytes": recipe.memory,
                        "trials": [
                            {"seed": t.seed, "key": t.key, "training_bytes": memory_of(t.training.cost),
                             "cost": plain_values(t.training.cost), "curve": plain_values(t.training.curve),
                             "tuning": plain_values(t.tuning)}
                            for t in recipe.trials
                        ],
                    }
                    for recipe in race.recipes
                ],
            }
            for race in recipes.races
        ],
    }  # fmt: skip
