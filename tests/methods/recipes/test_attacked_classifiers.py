"""Attacks on classifiers: exact for a linear one, within their radius for any; and training against them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind, registry
from noisebench.recipes.objectives._attack import log_odds, margin, random_change, worst
from noisebench.recipes.objectives.adversarial_training import adversarial_training
from noisebench.tracks.classify import LabelledPicture

WEIGHT = np.random.default_rng(3).normal(size=(12, 2)).astype(np.float32)
ACROSS = (WEIGHT[:, 0] - WEIGHT[:, 1]).reshape(3, 4)
PICTURE = np.random.default_rng(1).uniform(0.3, 0.7, (3, 4, 1)).astype(np.float32)


def planar(picture: Any, info: Any) -> Any:
    with torch.no_grad():
        return picture.flatten(1) @ torch.from_numpy(WEIGHT)


@pytest.fixture(autouse=True)
def methods() -> Iterator[None]:
    """Classifiers of which the worst change is known, forgotten again after."""

    @nb.method("of_a_plane_in_torch", track="classify")
    def of_a_plane(picture: Any, info: Any) -> Any:
        assert info.sample is None, "only the attacker sees the true label"
        return planar(picture, info)

    @nb.method("sure_of_a_plane", track="classify")
    def sure(picture: Any, info: Any) -> Any:
        return 1e4 * planar(picture, info)

    @nb.method("opposite_plane", track="classify")
    def opposite(picture: Any, info: Any) -> Any:
        return -planar(picture, info)

    @nb.method("shown", track="classify", layout="hwc")
    def shown(picture: Any, info: Any) -> Any:
        return picture.ravel()

    @nb.method("cut_off", track="classify")
    def cut_off(picture: Any, info: Any) -> Any:
        return planar(picture.detach(), info)

    yield
    for name in ("of_a_plane_in_torch", "sure_of_a_plane", "opposite_plane", "shown", "cut_off"):
        del registry("method", "classify")._entries[name]


def seen(attack: str, picture: Any = PICTURE, label: int = 0) -> Any:
    """What a classifier was given that shows all values, attacked by the words `attack`."""
    one = nb.Classifier(bind(f"attacked(method=shown, {attack})", "method", "classify"))
    one.setup("cpu")
    item = LabelledPicture("a", picture, label, tuple(map(str, range(picture.size))))
    info = nb.Info({"classes": picture.size, "sample": item}, b"key")
    return one.call(one.prepare(picture), info).reshape(picture.shape)


def test_each_attack_moves_every_value_before_a_plane_against_the_label() -> None:
    for kind in ("fgsm", "pgd", "cw"):
        for label, sign in ((0, -1), (1, 1)):
            found = seen(f"by=of_a_plane_in_torch, kind={kind}, eps=0.05", label=label)
            np.testing.assert_allclose(found[..., 0], PICTURE[..., 0] + sign * 0.05 * np.sign(ACROSS), atol=1e-6)


def test_within_a_length_the_change_is_along_the_normal_of_the_plane() -> None:
    found = seen("by=of_a_plane_in_torch, norm=l2, eps=0.2")[..., 0]
    np.testing.assert_allclose(found, PICTURE[..., 0] - 0.2 * ACROSS / np.linalg.norm(ACROSS), atol=1e-6)


def test_a_classifier_that_is_sure_is_attacked_as_well_as_one_that_is_not() -> None:
    logits = 1e4 * torch.from_numpy(PICTURE.reshape(1, -1) @ WEIGHT)
    assert float(torch.nn.functional.cross_entropy(logits, logits.argmax(1))) == 0
    label = int(logits.argmax())
    for norm in ("linf", "l2"):
        sure, unsure = (
            seen(f"by={one}, norm={norm}, eps=0.01", label=label) for one in ("sure_of_a_plane", "of_a_plane_in_torch")
        )
        np.testing.assert_allclose(sure, unsure, atol=1e-6)
        assert not np.array_equal(sure, PICTURE)


def test_several_are_attacked_by_their_mean_and_values_stay_on_the_scale() -> None:
    both = seen("by=(of_a_plane_in_torch, sure_of_a_plane), eps=0.05")
    np.testing.assert_allclose(both, seen("by=of_a_plane_in_torch, eps=0.05"), atol=1e-6)
    np.testing.assert_array_equal(seen("by=(of_a_plane_in_torch, opposite_plane), eps=0.05"), PICTURE)
    found = seen("by=of_a_plane_in_torch, eps=0.5")
    assert found.min() == 0 and found.max() == 1
    noisy = PICTURE - 0.5  # a regime may leave the scale: no value goes farther from it than it was
    found = seen("by=of_a_plane_in_torch, eps=0.5", noisy)
    assert (found >= np.minimum(noisy, 0)).all() and found.max() <= 1


def test_a_radius_of_zero_is_the_method_and_the_same_is_found_each_time() -> None:
    assert np.array_equal(seen("by=of_a_plane_in_torch, eps=0.0"), PICTURE)
    words = "by=of_a_plane_in_torch, eps=0.05, norm=l2, steps=3, restarts=3"
    assert np.array_equal(seen(words), seen(words))


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("shape", [(1, 1, 5, 7), (3, 3, 9, 4)])
def test_what_is_found_is_within_the_radius_and_no_better_than_what_was_met(norm: Any, shape: Any) -> None:
    torch.manual_seed(0)
    net = bind("small_cnn", "arch").entry.obj(shape[1:], (3,), width=4, norm=False).eval()
    given, labels = torch.rand(shape), torch.arange(shape[0]) % 3
    met: list[torch.Tensor] = []

    def logits_of(x: torch.Tensor) -> Any:
        met.append(x.detach().clone())
        return net(x)

    start = random_change(given, 0.1, norm)
    found, least = worst(logits_of, given, labels, start, eps=0.1, norm=norm, steps=6)
    assert len(met) == 7
    for x in (*met, found):
        change = (x - given).flatten(1)
        size = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
        assert (size <= 0.1 + 1e-6).all() and x.min() >= 0 and x.max() <= 1
    with torch.no_grad():
        margins = torch.stack([margin(net(x), labels) for x in met])
        torch.testing.assert_close(least, margins.amin(0))
        torch.testing.assert_close(margin(net(found), labels), least)
    assert (least < margins[0]).all() and not found.requires_grad


def test_the_log_odds_have_the_direction_of_cross_entropy() -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5]], dtype=torch.float64, requires_grad=True)
    label = torch.tensor([0])
    (ours,) = torch.autograd.grad(log_odds(logits, label).sum(), logits)
    (loss,) = torch.autograd.grad(torch.nn.functional.cross_entropy(logits, label), logits)
    p = float(logits.detach().softmax(1)[0, 0])
    torch.testing.assert_close(loss, -(1 - p) * ours)
    assert float(log_odds(logits, label).detach()) == pytest.approx(np.log(p / (1 - p)))


def test_random_changes_fill_the_ball() -> None:
    like = torch.zeros(4000, 1, 1, 2)
    far = random_change(like, 0.5, "l2", torch.Generator().manual_seed(0)).flatten(1).norm(dim=1)
    assert far.max() <= 0.5 and abs(float((far < 0.25).double().mean()) - 0.25) < 0.03
    assert random_change(like, 0.5, "linf").abs().max() <= 0.5


def test_what_cannot_be_attacked_is_skipped_with_its_reason() -> None:
    with pytest.raises(nb.Skip, match="shown cannot be differentiated: it takes numpy arrays"):
        seen("eps=0.1")
    with pytest.raises(nb.Skip, match="cut_off cannot be differentiated: its result"):
        seen("by=cut_off")
    bound = bind("attacked(method=oracle)", "method", "classify")
    with pytest.raises(nb.UsageError, match="attacked cannot wrap oracle"):
        bound.entry.obj(**bound.kwargs)


# ---- training


def batch_of(classes: int = 3) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {"given": torch.rand(6, 1, 8, 8), "wanted": torch.arange(6) % classes}


def small(norm: bool = True) -> torch.nn.Module:
    torch.manual_seed(0)
    return bind("small_cnn", "arch").entry.obj((1, 8, 8), (3,), width=4, norm=norm)


def objective(net: Any, batch: Any, **params: Any) -> Any:
    return adversarial_training(net, batch, loss=bind("cross_entropy", "loss"), **params)


def test_the_loss_is_that_of_pictures_near_and_the_attack_leaves_batch_norm_alone() -> None:
    net, batch = small().train(), batch_of()
    plain, once = copy.deepcopy(net), copy.deepcopy(net)
    torch.manual_seed(5)
    loss = objective(net, batch, eps=0.2, steps=4)
    assert net.training and all(p.grad is None for p in net.parameters())
    assert float(loss.detach()) > float(torch.nn.functional.cross_entropy(plain(batch["given"]), batch["wanted"]))
    once(batch["given"])  # one pass in training mode, of the statistics of which one remembers one
    assert net.body[1].num_batches_tracked == once.body[1].num_batches_tracked == 1
    torch.autograd.backward(loss)
    assert all(p.grad is not None for p in net.parameters())


def test_at_a_tiny_radius_it_is_supervised_training() -> None:
    net, batch = small(norm=False), batch_of()
    due = torch.nn.functional.cross_entropy(net(batch["given"]), batch["wanted"])
    torch.testing.assert_close(objective(net, batch, eps=1e-7, norm="l2"), due, atol=1e-5, rtol=0)


def test_what_is_no_classifier_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="is for classifiers"):
        objective(torch.nn.Conv2d(1, 1, 3), batch_of(), eps=0.1)


def test_a_board_shows_accuracy_under_attack_beside_clean_accuracy(cli: Any, tmp_path: Path) -> None:
    how = "arch=mlp, steps=120, checks=1"
    nets = [f"trained({how})", f"trained({how}, objective=adversarial_training(eps=0.1, steps=3))"]
    attacked = [f"attacked(method={net}, eps=0.2, steps=5)" for net in nets]
    cli("run", "--track", "classify", "--datasets", "digits(n=100)", "--regimes", "none", "--methods", *nets, *attacked,
        "--store", "s")  # fmt: skip
    cli("report", "s", "--to", "b")
    summary = json.loads((tmp_path / "b" / "summary.json").read_text())
    (board,) = summary["boards"]
    found = {row["method"]: row["scores"]["accuracy"]["mean"] for row in board["rows"]}
    plain, robust = (
        [value for name, value in found.items() if ("adversarial" in name) is own] for own in (False, True)
    )
    assert max(plain) >= 0.8 and max(robust) >= 0.7 and min(robust) > min(plain) + 0.1
