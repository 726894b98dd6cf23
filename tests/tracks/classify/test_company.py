"""Attacks in batches: what is found for a picture has the same bits in any company, and costs less time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind, registry
from noisebench.track.posed_case import Case
from noisebench.track.track_protocol import case_of
from noisebench.tracks.classify import LabelledPicture
from noisebench.tracks.classify.company import TOGETHER, batch_size

TRACK: Any = nb.get_track("classify")
SHAPE = (1, 8, 8)
RNG = np.random.default_rng(2)
CLASSES = tuple("0123456789")
ITEMS = [LabelledPicture(str(i), RNG.random((8, 8, 1), np.float32), i % 10, CLASSES) for i in range(TOGETHER + 3)]
NETS = ("mlp(hidden=(24,))", "small_cnn(width=6)", "vit(dim=16)")
ALONE = ("of_the_mean", "with_draws", "few_at_a_time")
"""Methods that cannot be given several pictures at once with the same bits for each."""
CALLED: list[int] = []


def called_on(net: Any) -> Any:
    """A classifier of a network that notes how many pictures it is given."""

    def classifier(picture: Any, info: Any) -> Any:
        CALLED.append(len(picture))
        return net(picture)

    return classifier


@pytest.fixture(autouse=True)
def methods() -> Iterator[None]:
    """A classifier of each network, and the three, forgotten again after."""
    torch.manual_seed(0)
    names = []
    for spec in NETS:
        bound = bind(spec, "arch")
        net = bound.entry.obj(SHAPE, (10,), **bound.kwargs).eval().requires_grad_(False)
        names.append(f"a_{bound.entry.name}")

        nb.method(names[-1], track="classify")(called_on(net))

    weight = torch.randn(64, 10)

    @nb.method("of_the_mean", track="classify")
    def of_the_mean(picture: Any, info: Any) -> Any:
        return ((picture - picture.mean()) ** 2).flatten(1) @ weight

    @nb.method("with_draws", track="classify")
    def with_draws(picture: Any, info: Any) -> Any:
        noise = torch.rand(64, 10, generator=info.stream(1).generator)
        return (picture**2).flatten(1) @ (weight + noise)

    @nb.method("few_at_a_time", track="classify")
    def few_at_a_time(picture: Any, info: Any) -> Any:
        if len(picture) > 3:
            raise ValueError("too many")
        return torch.sin(9 * picture.flatten(1)) @ weight

    yield
    for name in (*names, *ALONE):
        del registry("method", "classify")._entries[name]


EACH = [f"a_{bind(spec, 'arch').entry.name}" for spec in NETS]
COMPANIES = [[3], [0, 3], [3, 0], list(range(TOGETHER + 3)), [5, 4, 3, 2]]


def posed(places: Sequence[int], regime: str = "none") -> list[tuple[LabelledPicture, Case]]:
    bound = bind(regime, "regime", "classify")
    return [(ITEMS[i], case_of(TRACK, bound, ITEMS[i], 0)) for i in places]


def by_method(places: Sequence[int], words: str) -> bytes:
    """The logits of picture 3 by `attacked`, in that company."""
    runner = nb.Classifier(bind(f"attacked({words})", "method", "classify"))
    runner.setup("cpu")
    cases = [case for _, case in posed(places)]
    infos = [case.info.replace(sample=ITEMS[i]) for i, case in zip(places, cases, strict=True)]
    outputs = runner.call_all([runner.prepare(case.given) for case in cases], infos)
    return np.asarray(outputs[list(places).index(3)]).tobytes()


@pytest.mark.parametrize("method", [*EACH, *ALONE])
@pytest.mark.parametrize("words", ["eps=0.1, steps=3", "eps=0.5, norm=l2, steps=2, restarts=3", "kind=cw, steps=2"])
def test_a_picture_that_is_attacked_has_the_same_bits_in_any_company(method: str, words: str) -> None:
    found = {by_method(places, f"method={method}, {words}") for places in COMPANIES}
    assert len(found) == 1


@pytest.mark.parametrize("method", [*EACH, *ALONE])
@pytest.mark.parametrize("words", ["eps=0.1, steps=3", "kind=fgsm, norm=l2, eps=0.5", "norm=l2, steps=2, restarts=2"])
def test_the_regime_leads_to_the_same_bits_in_any_company(method: str, words: str) -> None:
    regime = bind(f"adversarial({words})", "regime", "classify")
    found = set()
    for places in COMPANIES:
        runner = nb.Classifier(bind(method, "method", "classify"))
        runner.setup("cpu")
        cases = TRACK.attacked(regime, posed(places, regime.display), 0, runner.differentiate)
        found.add(cases[list(places).index(3)].given.tobytes())
    assert len(found) == 1


@pytest.mark.parametrize("method", EACH)
def test_several_pictures_are_one_call_of_a_network(method: str) -> None:
    CALLED.clear()
    by_method(range(TOGETHER), f"method={method}, steps=4")
    assert CALLED.count(TOGETHER) == 3 + 5, "three to try whether they may, then one a step and one of the last point"
    assert CALLED.count(1) == TOGETHER, "the logits that are scored are of one picture"


def test_a_picture_with_many_numbers_goes_by_itself_whatever_comes_with_it() -> None:
    assert [batch_size(n) for n in (1, 64 * 10, 3 * 224 * 224, 3 * 224 * 224 * 1000)] == [16, 16, 6, 1]


@pytest.mark.parametrize(
    ("method", "regime"), [("attacked(method=a_small_cnn, eps=0.1)", "none"), ("a_mlp", "adversarial(eps=0.1)")]
)
def test_scores_are_those_of_fewer_items(method: str, regime: str) -> None:
    many, few = (nb.evaluate(method, f"digits(n={n})", regime, track="classify", metrics="nll").record for n in (20, 6))
    by_item = [dict(zip(one.items, one.scores["nll"], strict=True)) for one in (many, few)]
    assert len(by_item[1]) == 6 and by_item[0].items() >= by_item[1].items()
