"""Randomised smoothing of a whole picture and of its halves: votes, bounds, radii that are sound, and their metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from board_records import record
from noisebench.boards.build import boards
from noisebench.methods.classify._smoothing import least_share, margin
from noisebench.report.plots.drawing import styled
from noisebench.report.plots.sheets import Sheet
from noisebench.tracks.classify.certified_curves import certified_curve, certified_curves, radii_of
from scipy.stats import binomtest, norm


@nb.method("of_a_plane", track="classify", layout="hwc")
def of_a_plane(picture: Any, info: Any, *, part: int = 2) -> Any:
    """The side of a plane on which the pixels of one colour of a checkerboard are, or all of them."""
    board = np.add.outer(np.arange(picture.shape[0]), np.arange(picture.shape[1])) % 2
    seen = picture[:, :, 0] if part == 2 else picture[:, :, 0][board == part]
    value = (seen - 0.5).sum()
    return np.array([value, -value], np.float32)


def said(method: str, picture: Any, classes: int = 2) -> Any:
    made = nb.Classifier(nb.bind(method, "method", "classify"))
    made.setup()
    return made.classify(picture, nb.Info({"classes": classes}, b"one"))


def scored(metric: str, logits: Any, label: int) -> Any:
    track = nb.get_track("classify")
    item = track.probe((4, 4))
    item = type(item)(item.id, item.picture, label, ("a", "b"))
    bound = nb.bind(metric, "metric", "classify")
    protocol = nb.bind("softmax", "protocol", "classify")
    return track.score(logits, item, None, protocol, [bound])[metric]


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (990, 1000), (1000, 1000)])
def test_the_bound_is_that_of_clopper_and_pearson(k: int, n: int) -> None:
    wanted = binomtest(k, n).proportion_ci(0.999 * 2 - 1, "exact").low  # one side of it is wrong with 0.001
    assert least_share(k, n, 0.001) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(
    "method",
    ["smoothed(method=of_a_plane, {})", "dual_smoothed(left=of_a_plane(part=0), right=of_a_plane(part=1), {})"],
)
def test_the_radius_before_a_plane_is_below_its_distance_and_near_it(method: str) -> None:
    """The share of votes of the whole is Φ(d / sigma), that of each half Φ(d / √2 sigma): both radii are d at best."""
    distance = 16 * 0.05 / 4
    logits = said(method.format("sigma=51, n=4000"), np.full((4, 4, 1), 0.55, np.float32))
    assert logits.shape == (3,) and logits[:2].argmax() == 0
    assert 0.85 * distance < logits[2] < distance
    assert np.exp(logits[:2]).sum() == pytest.approx(1)


def test_at_equal_shares_halves_have_the_square_root_of_two_of_the_radius() -> None:
    share = least_share(1800, 2000, 0.0005)
    assert 2 * margin(share) / np.sqrt(2) == pytest.approx(np.sqrt(2) * norm.ppf(share))


def test_no_change_within_the_radius_of_two_halves_changes_the_sum_of_their_votes() -> None:
    """Two planes, whose votes are known exactly: the worst change of that length leaves shares of a half each."""
    sigma, rng = 0.2, np.random.default_rng(0)
    for _ in range(200):
        left, right = rng.uniform(-0.3, 0.6, 2)  # distances, of which one may be on the wrong side
        radius = (left + right) / np.sqrt(2)
        if radius < 0:
            continue
        for change in rng.normal(size=(50, 2)):
            a, b = np.abs(change) / np.linalg.norm(change) * radius
            assert norm.cdf((left - a) / sigma) + norm.cdf((right - b) / sigma) >= 1 - 1e-12
        worst = radius * 1.02 / np.sqrt(2)
        assert norm.cdf((left - worst) / sigma) + norm.cdf((right - worst) / sigma) < 1 or radius == 0


def test_where_votes_are_even_nothing_is_certain() -> None:
    logits = said("smoothed(method=of_a_plane, n=200)", np.full((4, 4, 1), 0.5, np.float32))
    assert logits[2] == -1
    assert scored("certified(radius=0)", logits, int(logits[:2].argmax())) == 0


def test_a_half_is_filled_from_its_squares_and_tells_what_is_known() -> None:
    x = np.arange(30.0).reshape(5, 3, 2) / 30
    for part in (0, 1):
        bound = nb.bind(f"checkerboard(part={part})", "regime")
        y, told = bound.entry.obj(x, np.random.default_rng(0), **bound.kwargs)
        known = told["mask"] > 0
        assert known[0, 0] == (part == 0) and (y[known] == x[known]).all()
        for i, j in np.argwhere(~known):
            square = slice(i // 2 * 2, i // 2 * 2 + 2), slice(j // 2 * 2, j // 2 * 2 + 2)
            inside = known[square]
            wanted = x[square][inside].max(axis=0) if inside.any() else np.zeros(2)
            np.testing.assert_array_equal(y[i, j], wanted)


def test_scores_of_a_radius() -> None:
    logits = np.array([2, 1, 0.4], np.float32)
    assert [scored(f"certified(radius={r})", logits, 0) for r in (0, 0.4, 0.41)] == [1, pytest.approx(1), 0]
    assert scored("certified(radius=0)", logits, 1) == 0
    assert scored("certified_radius", logits, 0) == pytest.approx(0.4) and scored("certified_radius", logits, 1) == 0
    assert isinstance(scored("certified", logits[:2], 0), nb.NotDefined)


def test_a_certified_curve_is_the_share_of_radii_that_are_as_large() -> None:
    radii = np.array([0.0, 0.5, 0.2, 0.5, 0.0, 0.3, 0.0, 0.5])
    at, share = certified_curve(radii)
    assert at.tolist() == [0, 0.2, 0.3, 0.5, 0.5] and share.tolist() == [5 / 8, 5 / 8, 4 / 8, 3 / 8, 0]
    assert [each.tolist() for each in certified_curve(np.zeros(3))] == [[0], [0]]


def test_curves_are_drawn_of_what_certifies_every_picture_over_all_seeds() -> None:
    def own(name: str, radii: Sequence[float], seed: int) -> Any:
        return record(name, {"certified_radius": radii}, seed=seed, track="classify", rank_by="certified_radius")

    kept = [own("a", [0.1, 0.2], 0), own("a", [0.3, 0.0], 1)]
    lost = [own("b", [0.1, math.nan], seed) for seed in (0, 1)]
    (board,) = boards([*kept, *lost])
    assert [(row.label, radii.tolist()) for row, radii in radii_of(board)] == [("a", [0.1, 0.2, 0.3, 0.0])]
    with styled():
        (plot,) = certified_curves([board], 8, [], Sheet())
    assert plot.name == "drawing-01-certified-photos-gaussian-sigma-25"
    assert "pictures and seeds 0, 1" in plot.caption and "right class" in plot.caption
    (line,) = plot.figure.axes[0].lines
    assert line.get_ydata().tolist() == [0.75, 0.75, 0.5, 0.25, 0]
    assert radii_of(boards([record()])[0]) == [] and certified_curves(boards([record()]), 8, [], Sheet()) == []


def test_it_runs_beside_a_classifier_that_certifies_nothing(tmp_path: Path, cli: Any) -> None:
    trained = "trained(arch=mlp, steps=20, checks=1)"
    done = cli(
        "run", "--track", "classify", "--datasets", "digits(n=6)", "--regimes", "none", "--methods", trained,
        f"smoothed(method={trained}, n=50, first=10)",
        f"dual_smoothed(left={trained}, right={trained}, n=50, first=10)",
        "--metrics", "accuracy", "certified(radius=0.1)", "certified_radius", "--store", "s",
    )  # fmt: skip
    assert "4 cells: 4 ok" in done.stdout
    cli("report", "s", "--to", "b")
    assert "certifies nothing" in (tmp_path / "b" / "leaderboard.html").read_text()
