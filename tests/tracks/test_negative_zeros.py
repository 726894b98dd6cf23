"""The sign of a zero, which differs between versions of numpy, is in no input and changes no hash."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.imaging.pixels import bytes_sha256
from noisebench.track.track_protocol import case_of, identified

NEGATIVE = np.array([[-0.0, 0.25], [0.5, -0.0]], np.float32)
ITEMS: tuple[tuple[str, Any], ...] = (
    ("restore", nb.Sample("a", NEGATIVE)),
    ("classify", nb.open_dataset(bind("digits", "dataset", "classify")).load(0)),
    ("segment", nb.open_dataset(bind("ellipses(n=1)", "dataset", "segment")).load(0)),
)


@nb.regime("negative_zeros")
def negative_zeros(x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
    """Every second row is a zero with a sign."""
    y = x.copy()
    y[::2] = -0.0
    return y, {}


@pytest.mark.parametrize(("track", "item"), ITEMS)
def test_a_method_is_given_positive_zeros_and_these_are_hashed(track: str, item: Any) -> None:
    case = case_of(get_track(track), bind("negative_zeros", "regime", track), item, 0)
    assert (case.given[::2] == 0).all() and not np.signbit(case.given[::2]).any()
    assert case.input_sha256 == bytes_sha256(case.given)


@pytest.mark.parametrize("spec", ["eld(clip=True)", "eld", "sensor(iso=3200)"])
def test_rounding_and_clipping_leave_no_negative_zero(spec: str) -> None:
    dark = np.zeros((32, 32), np.uint8)
    given = nb.degrade(spec, dark)[0]
    assert (given == 0).any() and not np.signbit(given[given == 0]).any()


def test_items_and_outputs_that_differ_in_the_sign_of_zeros_have_one_hash() -> None:
    track = get_track("restore")
    positive = np.abs(NEGATIVE)
    lines = {identified(track, nb.Sample("a", picture / 3)) for picture in (NEGATIVE, positive)}
    assert len(lines) == 1
    assert nb.pixel_sha256(NEGATIVE) == nb.pixel_sha256(positive)
    assert track.outputs.digest(NEGATIVE[:, :, None]) == track.outputs.digest(positive[:, :, None])
