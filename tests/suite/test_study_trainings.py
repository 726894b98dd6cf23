"""Studies of trainings: what one took or found against a parameter of its recipe, exponents, and maps of two."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from board_records import record, training_record
from messages import missing_from
from noisebench import UsageError
from noisebench.boards.build import boards
from noisebench.boards.curves import charts
from noisebench.report.studies import chart_table, exponents, write_study
from noisebench.spec.parsing import parse
from noisebench.spec.paths import parameter, without
from noisebench.statistics.power_law import exponent, upper_half
from noisebench.store.record import Record
from noisebench.suite.study import Axis, read_study

RECIPE = "trained(arch=perceptron, batch={batch}, data=half_space(chi={chi}, n={n}), optimizer=sgd(lr={lr}))"
SIGNAL = Axis("trained.data.n", "training.signal", log=True, log_y=True)


def recipe(n: int = 128, chi: float = 0.0, lr: float = 1.0, batch: int = 8) -> str:
    return RECIPE.format(batch=batch, chi=chi, n=n, lr=lr)


def powers() -> list[Record]:
    """The signal is P to the power 1 / (1 + chi), twice as large on the second seed."""
    return [
        training_record(recipe(n, chi), seed, figures={"signal": (1 + seed) * n ** (1 / (1 + chi))})
        for chi in (0.0, 1.0) for n in (128, 256, 512, 1024) for seed in (0, 1)
    ]  # fmt: skip


def test_a_path_leads_into_components_and_by_name_into_a_tuple() -> None:
    spec = parse("tuned(method=trained(optimizer=sgd(lr=0.1), parts=(ema, nm(until=0.5))), vary='optimizer.lr')")
    assert parameter(spec, "trained.optimizer.lr") == 0.1
    assert parameter(spec, "trained.parts.nm.until") == 0.5
    assert parameter(spec, "trained.optimizer") is None
    bare = without(without(spec, "trained.optimizer.lr"), "trained.parts.nm.until")
    assert str(bare) == "tuned(method=trained(optimizer=sgd, parts=(ema, nm)), vary='optimizer.lr')"


def test_what_trainings_found_is_a_line_a_family_over_the_means_of_seeds() -> None:
    (chart,) = charts([], SIGNAL, powers())
    assert [(p.x, round(p.y, 9)) for p in chart.curves[0].points] == [(n, 1.5 * n) for n in (128, 256, 512, 1024)]
    assert chart.curves[0].points[0].seeds == {0: 128.0, 1: 256.0}
    assert chart.heading == "perceptron, half_space, seeds 0,1"


def test_a_diverged_training_has_no_figure_but_is_counted() -> None:
    lost = training_record(recipe(lr=9.0), outcome="diverged")
    made = [*(training_record(recipe(lr=lr), figures={"signal": lr}) for lr in (1.0, 3.0)), lost]
    (chart,) = charts([], Axis("trained.optimizer.lr", "training.signal"), made)
    assert [p.x for p in chart.curves[0].points] == [1.0, 3.0]
    (chart,) = charts([], Axis("trained.optimizer.lr", "training.diverged"), made)
    assert [(p.x, p.y) for p in chart.curves[0].points] == [(1.0, 0.0), (3.0, 0.0), (9.0, 1.0)]


def test_a_point_is_of_all_seeds_or_is_none() -> None:
    lost = training_record(recipe(lr=3.0), 1, outcome="diverged")
    made = [training_record(recipe(lr=lr), 0, figures={"signal": lr}) for lr in (1.0, 2.0, 3.0)]
    (chart,) = charts([], Axis("trained.optimizer.lr", "training.signal"), [*made, lost])
    assert [p.x for p in chart.curves[0].points] == [1.0, 2.0]
    failed = training_record(recipe(lr=3.0), outcome="failed")
    with pytest.raises(UsageError, match="study y: training.diverged: a training is failed"):
        charts([], Axis("trained.optimizer.lr", "training.diverged"), [made[0], failed])


@pytest.mark.parametrize(("axis", "said"), [
    (Axis("trained.data.n", "training.sgnal"), "study y: training.sgnal: .* no figure 'sgnal': did you mean 'signal'"),
    (Axis("trained.batch", "training.signal"), "nothing is trained with trained.batch at two values or more"),
    (Axis("trained.data.n", "training.macs"), "macs could not be measured"),
])  # fmt: skip
def test_a_figure_that_is_not_there_is_named(axis: Axis, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        charts([], axis, powers())


def test_the_exponent_of_a_line_stands_in_the_table_with_its_interval_over_seeds() -> None:
    (chart,) = charts([], SIGNAL, powers())
    assert chart_table(chart).header[-2:] == ("exponent", "of the upper half")
    assert [row[-2:] for row in chart_table(chart).rows] == [("1.00 [1.00, 1.00]",) * 2, ("0.50 [0.50, 0.50]",) * 2]
    (plain,) = charts([], Axis("trained.data.n", "training.signal"), powers())
    assert exponents(plain, plain.curves[0]) == (None, None)


def test_the_interval_is_that_of_t_over_the_fits_of_single_seeds() -> None:
    fit = exponent([{1: 1.0, 10: 10.0**e} for e in (0.9, 1.0, 1.1)])
    assert fit is not None and fit.interval is not None
    assert (fit.value, *fit.interval) == pytest.approx((1.0, 1 - 0.24841, 1 + 0.24841), abs=1e-4)
    assert exponent([{1: 1.0, 10: 3.0}]).interval is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "by_seed", [[{1.0: 2.0, 2.0: 0.0}], [{1.0: 2.0}], [{1.0: 2.0, 2.0: 3.0}, {1.0: 2.0, 3.0: 3.0}]]
)
def test_no_exponent_is_fitted_to_what_has_none(by_seed: list[dict[float, float]]) -> None:
    assert exponent(by_seed) is None


def test_a_bent_line_has_another_exponent_in_its_upper_half() -> None:
    bent = [{1: 1.0, 10: 1.0, 100: 1.0, 1000: 100.0}]
    assert upper_half(bent).text == "2.00" != exponent(bent).text  # type: ignore[union-attr]


def test_two_parameters_make_a_map_a_family() -> None:
    made = [
        training_record(recipe(lr=lr, batch=batch, chi=chi), figures={"signal": lr * batch})
        for chi in (0.0, 1.0) for lr in (1.0, 2.0, 4.0) for batch in (16, 4)
    ]  # fmt: skip
    found = charts([], Axis("trained.optimizer.lr", "training.signal", by="trained.batch"), made)
    assert [chart_table(chart).rows for chart in found] == [
        (("4", "4.000", "8.000", "16.000"), ("16", "16.000", "32.000", "64.000"))
    ] * 2
    with pytest.raises(UsageError, match="nothing is trained with"):
        charts([], Axis("trained.optimizer.lr", "training.signal", by="trained.data.n"), made)


def test_a_metric_against_a_nested_parameter_has_the_means_of_seeds() -> None:
    rows: list[Any] = [
        record("trained", {"psnr": [20 + lr + seed, 22 + lr + seed]}, display=recipe(lr=lr), seed=seed)
        for lr in (1.0, 2.0) for seed in (0, 1)
    ]  # fmt: skip
    (chart,) = charts(boards(rows), Axis("trained.optimizer.lr"), rows)
    assert [(p.x, p.y, dict(p.seeds)) for p in chart.curves[0].points] == [
        (1.0, 22.5, {0: 22.0, 1: 23.0}), (2.0, 23.5, {0: 23.0, 1: 24.0}),
    ]  # fmt: skip


def test_lines_maps_and_exponents_are_written(tmp_path: Path) -> None:
    axes = (SIGNAL, Axis("trained.data.n", "training.signal", by="trained.data.chi", log=True, log_y=True))
    write_study(powers(), axes, tmp_path, title="s")
    document = json.loads((tmp_path / "study.json").read_text())
    line, across = document["charts"]
    assert line["curves"][1]["exponent"]["value"] == pytest.approx(0.5)
    assert [c["label"] for c in across["curves"]] == ["0", "1"]
    assert all((tmp_path / chart["plot"]).is_file() for chart in document["charts"])
    said = (tmp_path / "study.md").read_text()
    assert not missing_from(said, "bands: from the least ", "Exponent: e of y ∝ x^e")
    rows = list(csv.DictReader((tmp_path / "study.csv").open()))
    assert {row["by"] for row in rows} == {"", "0", "1"}
    assert (rows[0]["least_seed"], rows[0]["largest_seed"]) == ("128", "256")


def test_a_figure_of_a_training_is_read_from_a_file_and_drawn_from_a_run(cli, tmp_path: Path) -> None:
    recipes = "trained(arch=perceptron, data=half_space(n=40), batch=4, steps=4, checks=1, validation=8, "
    (tmp_path / "s.yaml").write_text(
        f"suite: s\ntrack: classify\nmethods: ['{recipes}parts=signal_and_noise, optimizer=sgd(lr={{1.0,2.0}}))']\n"
        "datasets: ['half_space(n=4, seed=1)']\nregimes: [none]\n"
        "study: [{x: trained.optimizer.lr, y: training.noise, log: xy}]\n"
    )
    assert read_study(tmp_path / "s.yaml")[1] == (
        Axis("trained.optimizer.lr", "training.noise", log=True, log_y=True),
    )  # fmt: skip
    cli("study", "s.yaml", "--store", "s", "--to", "out")
    (chart,) = json.loads((tmp_path / "out" / "study.json").read_text())["charts"]
    assert [p["x"] for p in chart["curves"][0]["points"]] == [1.0, 2.0]
