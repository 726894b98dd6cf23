"""The regime `auto_attack`: several attacks in turn, within the same bounds as `adversarial`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind, registry
from noisebench.components.tracks import get_track
from noisebench.track.track_protocol import case_of
from noisebench.tracks.classify import LabelledPicture
from noisebench.tracks.classify.white_box import attacked_cases

TRACK = get_track("classify")
WEIGHT = torch.randn(4, 48, generator=torch.Generator().manual_seed(3))
PICTURE = np.random.default_rng(0).uniform(0.2, 0.8, (4, 4, 3)).astype(np.float32)


@pytest.fixture(autouse=True)
def networks() -> Iterator[None]:
    """A plane of four classes, and one whose gradient says nothing of it."""

    @nb.method("plane_of_four", track="classify")
    def plane(picture: Any, info: Any) -> Any:
        return picture.flatten(1) @ WEIGHT.T.to(picture)

    @nb.method("stairs_of_four", track="classify")
    def stairs(picture: Any, info: Any) -> Any:
        sharp = (picture.flatten(1) @ WEIGHT.T.to(picture)).detach()
        return sharp + 0 * picture.sum()

    yield
    for name in ("plane_of_four", "stairs_of_four"):
        del registry("method", "classify")._entries[name]


def label_of(method: str) -> int:
    return int((torch.from_numpy(PICTURE.transpose(2, 0, 1)).flatten() @ WEIGHT.T).argmax())


def found(method: str, attack: str) -> tuple[Any, float]:
    """The change of the picture, and the margin of its label there."""
    regime = bind(attack, "regime", "classify")
    label = label_of(method)
    item = LabelledPicture("a", PICTURE, label, ("0", "1", "2", "3"))
    runner = nb.Classifier(bind(method, "method", "classify"))
    runner.setup("cpu")
    (case,) = attacked_cases(regime, [(item, case_of(TRACK, regime, item, 0))], 0, runner.differentiate)
    logits = runner.classify(case.given, case.info)
    return case.given - PICTURE, float(logits[label] - np.delete(logits, label).max())


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.02), ("l2", 0.1)])
def test_a_change_is_within_eps_and_no_worse_than_projected_gradient_descent(norm: str, eps: float) -> None:
    change, margin = found("plane_of_four", f"auto_attack(eps={eps}, norm={norm}, steps=20, tries=20)")
    size = np.abs(change).max() if norm == "linf" else np.linalg.norm(change)
    assert size <= eps * (1 + 1e-4)
    assert margin <= found("plane_of_four", f"adversarial(eps={eps}, norm={norm}, steps=20)")[1] + 1e-4


def test_it_ends_at_the_first_picture_of_another_class() -> None:
    assert found("plane_of_four", "auto_attack(eps=0.5)")[1] < 0


def test_a_search_without_gradients_goes_on_where_there_are_none() -> None:
    _, by_gradient = found("stairs_of_four", "adversarial(eps=0.1, steps=20)")
    _, by_squares = found("stairs_of_four", "auto_attack(eps=0.1, steps=5, tries=200)")
    assert by_squares < by_gradient


def test_it_stands_last() -> None:
    item = LabelledPicture("a", PICTURE, 0, ("0", "1", "2", "3"))
    with pytest.raises(nb.UsageError, match="put it last"):
        case_of(TRACK, bind("auto_attack + gaussian(sigma=5)", "regime", "classify"), item, 0)
