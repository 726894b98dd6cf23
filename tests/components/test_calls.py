"""A regime or a metric that is wrong is named itself: the method is not blamed, and no other score is changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.calls import checked_sampler
from noisebench.components.entry import Entry
from noisebench.components.registry import Bound, bind, registry
from noisebench.components.tracks import get_track
from noisebench.imaging.sample import Sample
from noisebench.text.errors import Invalid, NotFinite, UsageError
from noisebench.tracks.restore.degrade import degrade_sample
from noisebench.tracks.restore.doctor import examine

CLEAN = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (24, 1))
ITEM = {"functions": "bumps(n=1)", "matrix": "gaussian_psd(n=1)", "graph": "erdos_renyi(n=1)"}
METHOD = {"functions": "mean", "matrix": "zero", "graph": "empty"}


@contextmanager
def registered(kind: str, made: Callable[..., Any], track: str = "restore", **declared: Any) -> Iterator[None]:
    """A component for the length of a test."""
    getattr(nb, kind)("wrong", track=track, **declared)(made)
    try:
        yield
    finally:
        del registry(kind, track)._entries["wrong"]


# --- metrics -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["uint8", "float", "raw", "y8"])
@pytest.mark.parametrize("field", ["x", "y"])
def test_a_metric_that_writes_into_a_picture_is_named_and_changes_no_other_score(protocol: str, field: str) -> None:
    def writes(pair: Any) -> float:
        getattr(pair, field)[...] = 0
        return 0.0

    restored, clean = CLEAN + np.uint8(9), CLEAN.copy()
    with registered("metric", writes), pytest.raises(UsageError, match="^metric wrong: writes into .* on a copy$"):
        nb.score(restored, clean, ("wrong", "psnr"), protocol)
    assert (clean == CLEAN).all() and (restored == CLEAN + np.uint8(9)).all()
    restored[0, 0] = 0  # what the caller gave can still be written into


def test_a_metric_that_writes_into_the_residual_is_named() -> None:
    def writes(pair: Any) -> float:
        pair.residual[...] = 0
        return 0.0

    with registered("metric", writes, residual=True), pytest.raises(UsageError, match="^metric wrong: writes into"):
        nb.score(CLEAN, CLEAN, "wrong", noisy=CLEAN)


@pytest.mark.parametrize("track", ["functions", "matrix", "graph"])
def test_a_metric_of_another_track_that_writes_is_named(track: str) -> None:
    def writes(given: Any, *others: Any) -> float:
        for name in ("matrix", "weights"):
            given = getattr(given, name, given)
        given[...] = 0
        return 0.0

    with registered("metric", writes, track), pytest.raises(UsageError, match="^metric wrong: writes into"):
        nb.evaluate(METHOD[track], ITEM[track], track=track, metrics="wrong")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "NoneType"), ("3", "str"), (1 + 2j, "complex"), (np.complex64(1), "complex64"), ([1.0], "list"),
        (np.zeros(3), r"ndarray of shape \(3,\)"),
    ],
)  # fmt: skip
def test_a_metric_that_gives_no_number_is_named(value: Any, said: str) -> None:
    with (
        registered("metric", lambda pair: value),
        pytest.raises(UsageError, match=f"^metric wrong: returned {said} .*number"),
    ):
        nb.score(CLEAN, CLEAN, "wrong")


@pytest.mark.parametrize("value", [3, 3.0, np.float32(3), np.int64(3), np.array(3.0)])
def test_a_number_of_any_type_is_one(value: Any) -> None:
    with registered("metric", lambda pair: value):
        made = nb.score(CLEAN, CLEAN, "wrong")["wrong"]
    assert made == 3.0 and type(made) is float


def test_a_metric_that_says_nan_has_no_value_and_a_reason() -> None:
    with registered("metric", lambda pair: np.float64("nan")):
        value = nb.score(CLEAN, CLEAN, "wrong")["wrong"]
    assert isinstance(value, nb.NotDefined) and value.reason == "it returned NaN"


def breaks(*given: Any) -> Any:
    return given[0].nothing


def test_a_metric_or_regime_that_raises_is_named_with_the_line_of_its_file() -> None:
    at = rf"AttributeError: .* 'nothing' \(test_calls.py, line {breaks.__code__.co_firstlineno + 1}\)$"
    with registered("metric", breaks), pytest.raises(UsageError, match=f"^metric wrong: {at}"):
        nb.score(CLEAN, CLEAN, "wrong")
    with registered("regime", breaks), pytest.raises(UsageError, match=f"^regime wrong: {at}"):
        nb.degrade("wrong", CLEAN)
    with (
        registered("metric", lambda: 0.0),
        pytest.raises(UsageError, match=r"^metric wrong: TypeError: .* but 1 was given$"),
    ):
        nb.score(CLEAN, CLEAN, "wrong")


@pytest.mark.parametrize("error", [MemoryError("too much"), RuntimeError("can't allocate memory")])
def test_want_of_memory_stays_what_it_is(error: Exception) -> None:
    def raises(x: Any, rng: Any) -> Any:
        raise error

    with registered("regime", raises), pytest.raises(type(error)) as raised:
        nb.degrade("wrong", CLEAN)
    assert raised.value is error


# --- regimes -----------------------------------------------------------------------------------------------

WRONG: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: (np.full(x.shape, np.nan), {}), r"returned \d+ values that are not finite \(NaN\)"),
    (lambda x: (np.full(x.shape, np.inf), {}), r"returned \d+ values that are not finite \(Inf\)"),
    (lambda x: ((x * 255).astype(np.uint8), {}), "returned an array of uint8 where an array of floats was due"),
    (lambda x: (x.astype(complex), {}), "returned an array of complex128 where an array of floats was due"),
    (lambda x: (x.tolist(), {}), "returned list where an array of floats was due"),
    (lambda x: x, "returned an array of float64: return an array, and a dict of what it discloses"),
    (lambda x: (x, None), r"returned \(an array of float64, NoneType\): return an array, and a dict"),
    (lambda x: (x.ravel(), {}), r"returned shape \(\d+,\) for an array of shape"),
]


@pytest.mark.parametrize(("makes", "said"), WRONG)
def test_a_regime_that_makes_no_picture_is_named(makes: Callable[[Any], Any], said: str) -> None:
    with (
        registered("regime", lambda x, rng: makes(x)),
        pytest.raises(UsageError, match=f"^regime wrong: {said}"),
    ):
        nb.degrade("none + wrong", CLEAN)


@pytest.mark.parametrize("track", ["functions", "matrix"])
@pytest.mark.parametrize(("makes", "said"), WRONG[1:-1])
def test_a_regime_of_another_track_that_makes_no_array_is_named(track: str, makes: Any, said: str) -> None:
    called = []
    with (
        registered("regime", lambda x, rng: makes(x), track),
        pytest.raises(UsageError, match=f"^regime wrong: {said}"),
    ):
        nb.evaluate(lambda given, info: called.append(given), ITEM[track], "wrong", track=track)
    assert not called


def test_a_regime_of_graphs_that_makes_no_samples_is_named() -> None:
    with (
        registered("regime", lambda noise, rng: noise.values, "graph"),
        pytest.raises(UsageError, match=r"^regime wrong: returned ndarray, .*Noise .*\ngraph 'erdos_renyi_00'$"),
    ):
        nb.evaluate("empty", ITEM["graph"], "wrong", track="graph")


@pytest.mark.parametrize("discloses", [("a",), ("a", "b")])
def test_what_a_regime_says_it_discloses_is_in_what_it_returns(discloses: tuple[str, ...]) -> None:
    with (
        registered("regime", lambda x, rng: (x, {"b": None}), discloses=discloses),
        pytest.raises(UsageError, match="^regime wrong: .* discloses a, .* none"),
    ):
        nb.degrade("wrong", CLEAN)


def test_the_reason_of_a_cell_begins_with_the_regime(cli, tmp_path) -> None:
    (tmp_path / "own.py").write_text(
        "import noisebench as nb\n"
        "@nb.regime('broken')\ndef broken(x, rng): return x * float('nan'), {}\n"
        "@nb.regime('secretive', discloses=('a',))\ndef secretive(x, rng): return x, {}\n"
        "@nb.method('asks', layout='hwc', needs=('a',))\ndef asks(noisy, info): return noisy\n"
    )
    run = ("run", "--plugin", "own.py", "--datasets", "piecewise(n=1, size=16)", "--store", "st")
    broken = cli(*run, "--methods", "identity", "--regimes", "broken", code=1).stdout
    assert re.search(r"seed 0: regime broken: .*256 values .*\(NaN\) \(picture 'piecewise_000'\)\n", broken)
    secretive = cli(*run, "--methods", "asks", "--regimes", "secretive", code=1).stdout
    assert re.search("seed 0: regime secretive: .* discloses a, .* none", secretive)


# --- outputs -----------------------------------------------------------------------------------------------

DATASET = ITEM | {"classify": "digits(n=1)", "segment": "ellipses(n=1)"}


@pytest.mark.parametrize("kind", ["complex128", "object", "<U1"])
@pytest.mark.parametrize("track", ["functions", "matrix", "graph", "classify", "segment"])
def test_an_output_of_another_type_is_called_by_it(track: str, kind: str) -> None:
    def method(given: Any, info: Any) -> Any:
        return np.zeros(info.shape, kind)

    with pytest.raises(Invalid, match=f"^returned an array of {kind} where "):
        nb.evaluate(method, DATASET[track], track=track, limit=1)


@pytest.mark.parametrize("value", [1e300, -1e39])
@pytest.mark.parametrize("track", ["functions", "matrix", "graph"])
def test_an_output_that_is_finite_in_float64_alone_is_invalid(track: str, value: float) -> None:
    def method(given: Any, info: Any) -> Any:
        return np.full(info.shape, value) * (1 - np.eye(*info.shape) if track == "graph" else 1)

    said = r"^returned values up to ±1e\+\d+, which are not finite in float32\n"
    item = get_track(track).words.item
    with pytest.raises(NotFinite, match=f"{said}{item} '\\w+_00'$"):
        nb.evaluate(method, DATASET[track], track=track, limit=1)


@pytest.mark.parametrize("which", ["clean", "noisy"])
def test_a_picture_of_a_set_that_holds_nan_is_named(which: str) -> None:
    pictures = {"clean": np.zeros((4, 4), np.float32), "noisy": np.zeros((4, 4), np.float32)}
    pictures[which][1, 2] = np.nan
    for ask in (
        lambda one: get_track("restore").identify(one),
        lambda one: degrade_sample(bind("real", "regime"), one),
    ):
        with pytest.raises(UsageError, match=f"^'beach': {which} picture .*NaN or Inf: give float values"):
            ask(Sample("beach", **pictures))


# --- samplers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (lambda step: [0, 5], "gave place 5 at step 3: places are 0 to 4"),
        (lambda step: [-1], "gave place -1 at step 3: places are 0 to 4"),
        (lambda step: [], "gave no place at step 3"),
        (lambda step: np.array([0.0, 1.0]), "the places of step 3 are no list of whole numbers"),
        (lambda step: None, "the places of step 3 are no list of whole numbers"),
    ],
)
def test_a_sampler_whose_places_are_none_is_named(order: Any, said: str) -> None:
    def wrong(n: int, batch: int, seed: int) -> Any:
        return order

    bound = Bound(Entry("wrong", wrong), {}, "wrong", "wrong")
    with pytest.raises(UsageError, match=f"^sampler wrong: {said}$"):
        checked_sampler(bound).entry.obj(5, 2, 0)(3)


def test_a_sampler_of_the_package_gives_the_places_it_gave() -> None:
    bound = bind("shuffled", "sampler")
    assert checked_sampler(bound).entry.obj(7, 3, 1)(2) == bound.entry.obj(7, 3, 1)(2)


# --- the doctor --------------------------------------------------------------------------------------------


def test_the_doctor_says_that_sides_come_back_exchanged() -> None:
    def turned(noisy: Any, info: Any) -> Any:
        return noisy.transpose(1, 0, 2)

    with registered("method", turned, layout="hwc"):
        odd = next(one for one in examine(bind("wrong", "method")) if one.name == "odd sizes")
    assert odd.ok is False and "height and width" in odd.detail and odd.detail.endswith(": transpose the result")
