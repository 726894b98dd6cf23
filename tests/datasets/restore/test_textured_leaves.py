"""The training set `textured_leaves`: pictures drawn by key, grey and coloured."""

from __future__ import annotations

import hashlib
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.components.registry import bind
from noisebench.datasets.restore import textured_leaves as drawn


def opened(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset", "restore"))


def test_a_picture_is_the_same_in_any_set_that_has_it_and_another_with_another_seed() -> None:
    few, more = opened("textured_leaves(n=3, size=24)"), opened("textured_leaves(n=9, size=24)")
    assert np.array_equal(few.load(2).clean, more.load(2).clean)
    assert few.made(2) == more.made(2)
    assert not np.array_equal(few.load(1).clean, few.load(2).clean)
    assert not np.array_equal(few.load(2).clean, opened("textured_leaves(n=3, size=24, seed=1)").load(2).clean)


def test_color_is_the_share_of_coloured_pictures() -> None:
    def coloured(share: float) -> int:
        data = opened(f"textured_leaves(n=60, size=8, color={share})")
        return sum(data.load(i).clean.ndim == 3 for i in range(60))

    assert coloured(0.0) == 0 and coloured(1.0) == 60
    assert 25 <= coloured(0.6) <= 47  # within three deviations of 36


def test_pictures_are_of_8_bit_and_of_the_size_that_is_asked_for() -> None:
    picture = opened("textured_leaves(n=1, size=33, color=1)").load(0).clean
    assert picture.shape == (33, 33, 3) and picture.dtype == np.uint8


def test_a_texture_has_no_mean_and_deviation_one() -> None:
    texture = drawn._texture(np.random.default_rng(0), 64)
    assert texture.shape == (64, 64)
    assert abs(texture.mean()) < 1e-5 and abs(texture.std() - 1) < 1e-5


def test_chroma_leaves_luma_as_it_is() -> None:
    np.testing.assert_allclose(drawn._CHROMA.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(drawn._CHROMA @ drawn._CHROMA.T, np.eye(2), atol=1e-12)


def test_the_pictures_of_a_version_stay_the_same_bit_by_bit() -> None:
    data = opened("textured_leaves(n=6, size=20, seed=4)")
    pixels = b"".join(data.load(i).clean.tobytes() for i in range(6))
    assert hashlib.sha256(pixels).hexdigest() == ("bb79a8c6f2c12cc2fee8206fcd0cbb06984f404ac2f5429994faddf4ac0d6500")
