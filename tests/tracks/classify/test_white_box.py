"""The regime `adversarial`: each classifier is attacked by its own gradients, is told no label, and takes a rank."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind, registry
from noisebench.text.errors import Skip
from noisebench.track.posed_case import Case
from noisebench.track.track_protocol import case_of
from noisebench.tracks.classify import LabelledPicture

WEIGHT = np.random.default_rng(3).normal(size=(12, 2)).astype(np.float32)
ACROSS = (WEIGHT[:, 0] - WEIGHT[:, 1]).reshape(3, 4)
PICTURE = np.random.default_rng(1).uniform(0.3, 0.7, (3, 4, 1)).astype(np.float32)
TRACK: Any = nb.get_track("classify")


@pytest.fixture(autouse=True)
def methods() -> Iterator[None]:
    """Classifiers of which the worst change is known, forgotten again after."""

    @nb.method("plane_seen", track="classify")
    def plane(picture: Any, info: Any) -> Any:
        assert info.sample is None and info.label is None, "no classifier is told the label"
        with torch.no_grad():
            picture *= 1.0
            return 1e3 * (picture.flatten(1) @ torch.from_numpy(WEIGHT))

    @nb.method("curved_seen", track="classify")
    def curved(picture: Any, info: Any) -> Any:
        with torch.inference_mode():
            x = picture.flatten(1)
            return torch.stack([torch.sin(9 * x).sum(1), torch.cos(7 * x).sum(1)], dim=1)

    @nb.method("cut_seen", track="classify")
    def cut(picture: Any, info: Any) -> Any:
        return picture.detach().flatten(1) @ torch.from_numpy(WEIGHT)

    @nb.method("numpy_seen", track="classify", layout="hwc")
    def numpy_seen(picture: Any, info: Any) -> Any:
        return picture.ravel()[:2]

    yield
    for name in ("plane_seen", "curved_seen", "cut_seen", "numpy_seen"):
        del registry("method", "classify")._entries[name]


def attacked(method: str, attack: str, label: int = 0, seed: int = 0) -> Case:
    regime = bind(attack, "regime", "classify")
    item = LabelledPicture("a", PICTURE, label, ("0", "1"))
    runner = nb.Classifier(bind(method, "method", "classify"))
    runner.setup("cpu")
    posed = [(item, case_of(TRACK, regime, item, seed))]
    found: list[Case] = TRACK.attacked(regime, posed, seed, runner.differentiate)
    return found[0]


@pytest.mark.parametrize("kind", ["fgsm", "pgd"])
@pytest.mark.parametrize(("label", "sign"), [(0, -1), (1, 1)])
def test_before_a_plane_each_value_moves_by_eps_against_the_label(kind: str, label: int, sign: int) -> None:
    found = attacked("plane_seen", f"adversarial(kind={kind}, eps=0.05)", label).given
    np.testing.assert_allclose(found[..., 0], PICTURE[..., 0] + sign * 0.05 * np.sign(ACROSS), atol=1e-6)


def test_within_a_length_the_change_is_along_the_normal_of_the_plane() -> None:
    due = -0.2 * ACROSS / np.linalg.norm(ACROSS)
    found = attacked("plane_seen", "adversarial(kind=fgsm, norm=l2, eps=0.2)").given[..., 0] - PICTURE[..., 0]
    np.testing.assert_allclose(found, due, atol=1e-6)
    found = attacked("plane_seen", "adversarial(norm=l2, eps=0.2, steps=40)").given[..., 0] - PICTURE[..., 0]
    assert np.linalg.norm(found) == pytest.approx(0.2, abs=1e-6)
    assert float((found * due).sum()) > 0.98 * 0.2**2, "from a random start nearly as far"


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("eps", [0.02, 0.5, 3.0])
def test_a_change_is_within_eps_and_values_stay_those_of_a_picture(norm: str, eps: float) -> None:
    found = attacked("curved_seen", f"adversarial(norm={norm}, eps={eps}, restarts=2)").given
    change = found.astype(float) - PICTURE
    assert (np.abs(change).max() if norm == "linf" else np.linalg.norm(change)) <= eps + 1e-6
    assert found.dtype == np.float32 and found.min() >= 0 and found.max() <= 1


def test_the_start_is_keyed_and_the_input_of_all_methods_counts_as_one() -> None:
    attack = "adversarial(eps=0.3, steps=2)"
    one, same, other = (attacked("curved_seen", attack, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.given, same.given) and not np.array_equal(one.given, other.given)
    assert one.input_sha256 == attacked("plane_seen", attack).input_sha256


def test_noise_before_the_attack_is_that_without_it() -> None:
    item = LabelledPicture("a", PICTURE, 0, ("0", "1"))
    alone, before = (
        case_of(TRACK, bind(f"gaussian(sigma=25){attack}", "regime", "classify"), item, 3)
        for attack in ("", " + adversarial(eps=0.1)")
    )
    assert alone.input_sha256 == before.input_sha256 and before.info.sigma == alone.info.sigma


@pytest.mark.parametrize(("method", "why"), [("cut_seen", "its result"), ("numpy_seen", "it takes numpy arrays")])
def test_a_method_without_a_gradient_is_skipped_with_its_reason(method: str, why: str) -> None:
    with pytest.raises(Skip, match=f"{method} cannot be differentiated: {why}"):
        attacked(method, "adversarial(eps=0.1)")


def test_any_torch_network_is_attacked_and_errs_more() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    plain, worst = (
        nb.evaluate(net, "digits(n=20)", regime, track="classify", metrics="nll")
        for regime in ("none", "adversarial(eps=0.1)")
    )
    assert (worst.scores("nll") if callable(getattr(worst, "scores", None)) else worst.record.scores["nll"]).mean() > (
        plain.record.scores["nll"].mean() + 0.1
    )


def test_it_stands_last_and_no_training_draws_it(cli: Any) -> None:
    run = ["run", "--track", "classify", "--datasets", "digits(n=4)", "--store", "s", "--methods"]
    done = cli(*run, "trained(arch=mlp, steps=2, checks=1)", "--regimes", "adversarial + gaussian(sigma=5)", code=1)
    assert "regime adversarial " in done.stdout and "put it last" in done.stdout
    done = cli(*run, "trained(arch=mlp, steps=2, checks=1, regime=adversarial)", "--regimes", "none", code=1)
    assert "in a training objective=adversarial_training" in done.stdout


def test_a_board_of_attacked_classifiers_has_ranks_and_says_who_has_no_gradient(cli: Any, tmp_path: Path) -> None:
    nets = ["trained(arch=mlp, steps=20, checks=1)", "trained(arch=small_cnn, steps=20, checks=1)"]
    cli("run", "--track", "classify", "--datasets", "digits(n=8)", "--regimes", "adversarial(eps=0.1, steps=3)",
        "--methods", *nets, "svm", "--store", "s")  # fmt: skip
    cli("report", "s", "--to", "b")
    (board,) = json.loads((tmp_path / "b" / "summary.json").read_text())["boards"]
    assert [row["not_ranked"] for row in board["rows"]] == ["", ""] and all(row["rank"] for row in board["rows"])
    assert "svm cannot be differentiated: it takes numpy arrays" in (tmp_path / "b" / "leaderboard.md").read_text()
