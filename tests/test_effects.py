"""Effects: an expression over means that must hold on every seed, read strictly and never run as code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from noisebench.claims.effects import Effect, Judged, all_effects, effect_row, read_effects
from noisebench.claims.expression import holds, parsed
from noisebench.claims.figures import CellOf
from noisebench.errors import UsageError
from noisebench.registry import bind
from noisebench.track import get_track

CELL = '{method: identity, dataset: "gaussian_field(n=1)", regime: none, metric: psnr}'
ROW = f'{{name: a, where: w, says: s, cells: {{x: {CELL}, y: {CELL}}}, holds: "x > y", seeds: [0, 1, 2]}}'
HEAD = "paper: P\nurl: https://example.org\nkind: effect\nclaims:\n"


def made_up(expression: str = "x > y", seeds: tuple[int, ...] = (0, 1, 2)) -> Effect:
    cell = CellOf("identity", "photos", "none", "uint8", "psnr")
    return Effect("a", "g", "P", "https://example.org", "w", "s", {"x": cell, "y": cell}, expression, seeds, (1,))


# ---- the expression


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("x > y", True),
        ("y > x", False),
        ("x >= y - 1 and y <= 0.51 * x", True),
        ("x < y or y == 1", True),
        ("0 < y < x", True),
        ("abs(y - x) <= 1", False),
        ("10 ** (-x / 10) < 1", True),
        ("max(x, y) == x and min(x, y) == y", True),
        ("log10(100 * y) == 2", True),
        ("x / (y - 1) > 0", False),  # cannot be computed: does not hold
        ("10 ** (1000 * x) > 0", False),
        ("(0 - x) ** 0.5 > 0", False),
    ],
)
def test_an_expression_has_its_value(text: str, due: bool) -> None:
    assert holds(text, {"x": 3.0, "y": 1.0}) is due


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not an expression"),
        ("x", "compares nothing"),
        ("x + y", "compares nothing"),
        ("z > 1", "'z' is none of its cells"),
        ("__import__('os').getcwd() > x", "can be called"),
        ("x.real > 1", "Attribute has no place"),
        ("[x][0] > 1", "has no place"),
        ("x > '1'", "is no number"),
        ("x > True", "is no number"),
        ("(lambda: x)() > 1", "can be called"),
        ("pow(x, 9) > 1", "is none of its cells|can be called"),
        ("x > 1 if y else x > 2", "compares nothing"),
        ("(" * 400 + "x" + ")" * 400 + " > 1", "longer than 500"),
        ("x in y", "has no place"),
    ],
)
def test_nothing_else_is_taken(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parsed(text, ["x", "y"])


# ---- the verdict


def test_it_must_hold_on_every_seed() -> None:
    good, bad = {"x": 2.0, "y": 1.0}, {"x": 1.0, "y": 2.0}
    assert effect_row(made_up(), Judged([good, good, good], 1.0))["verdict"] == "reproduced"
    row = effect_row(made_up(), Judged([good, bad, good], 1.0))
    assert (row["verdict"], row["reason"]) == ("differs", "does not hold on seed 1")
    row = effect_row(made_up(), Judged(reason="needs the weights x"))
    assert (row["verdict"], row["reason"]) == ("not available", "needs the weights x")
    nan = {"x": float("nan"), "y": 1.0}
    assert effect_row(made_up(), Judged([nan, good, good], 1.0))["verdict"] == "differs"


# ---- the files


def test_every_effect_names_what_exists_and_several_seeds_where_there_is_chance() -> None:
    effects = all_effects()
    assert {e.name for e in effects} >= {"row_noise_is_shared_along_a_row", "speckle_of_four_looks"}
    for effect in effects:
        assert len(effect.seeds) >= 3 and effect.says and effect.where
        for cell in effect.cells.values():
            for kind in ("method", "dataset", "regime", "protocol", "metric"):
                usual = getattr(get_track(cell.track).defaults, kind, "")
                if named := getattr(cell, kind) or usual:
                    bind(named, kind, cell.track)


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(HEAD + "  - " + ROW)
    (effect,) = read_effects(tmp_path / "mine.yaml")
    assert (effect.name, effect.group, effect.kind, effect.seeds) == ("a", "mine", "effect", (0, 1, 2))
    assert effect.cells["x"] == CellOf("identity", "gaussian_field(n=1)", "none", "", "psnr")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- 1", "not a table"),
        (HEAD + "  - " + ROW.replace("x > y", "x > z"), "a: holds: 'z' is none"),
        (HEAD + "  - " + ROW.replace("[0, 1, 2]", "[]"), "claims.0.seeds"),
        (HEAD + "  - " + ROW.replace("where: w, ", ""), "claims.0.where"),
        (HEAD + "  - " + ROW.replace("metric: psnr", "metric: psnr, more: 1"), "claims.0.cells"),
        (HEAD + "  - " + ROW + "\n  - " + ROW, "a is given twice"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_effects(tmp_path / "mine.yaml")
    assert problem in str(caught.value) and "mine.yaml" in str(caught.value) and "\n" not in str(caught.value)


# ---- the verb


def test_reproduce_runs_the_effects_of_a_system(cli) -> None:
    done = cli("reproduce", "--system", 46, "--kind", "effect", "--json")
    (row,) = json.loads(done.stdout)["claims"]
    assert (row["name"], row["kind"], row["verdict"]) == ("speckle_of_four_looks", "effect", "reproduced")
    assert [v["snr"] for v in row["values"]] == pytest.approx([6.02] * 3, abs=0.09)
    listed = json.loads(cli("list", "systems", "46", "--store", "nb-store", "--json").stdout)
    assert listed["claims"] == {"speckle_of_four_looks": "reproduced"}
    table = cli("reproduce", "speckle")
    assert "abs(10 ** (-snr / 10) * 4 - 1) <= 0.02" in table.stdout and "snr=" in table.stdout
    assert "1 claim: 1 reproduced" in table.stdout
