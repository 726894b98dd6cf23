"""Holes and strokes of the regime mask, scores of the missing pixels alone, and the mask in batches of training."""

from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.datasets import open_dataset
from noisebench.components.registry import bind
from noisebench.text.errors import UsageError
from noisebench.tracks.restore.batches import CropBatches

# ---- the regime


def test_single_pixels_are_what_a_mask_was_before_it_had_a_kind() -> None:
    plain = bind("mask(keep=0.4)", "regime")
    assert plain.canonical == bind("mask(keep=0.4, kind=pixels)", "regime").canonical == "mask(keep=0.4)"
    assert bind("mask(keep=0.4, kind=holes)", "regime").canonical == "mask(keep=0.4, kind=holes)"


@pytest.mark.parametrize("kind", ["holes", "strokes"])
@pytest.mark.parametrize("shape", [(64, 64), (50, 131), (200, 33, 3)])
def test_shapes_cover_what_is_not_kept(kind: str, shape: tuple[int, ...]) -> None:
    clean = np.full(shape, 200, np.uint8)
    masks = []
    for seed in range(5):
        noisy, info = nb.degrade(f"mask(keep=0.75, kind={kind})", clean, seed=seed)
        assert abs(info.mask.mean() - 0.75) < 0.04
        assert np.array_equal(noisy, np.float32((clean.T / 255.0 * info.mask.T).T))
        masks.append(info.mask)
    assert len({mask.tobytes() for mask in masks}) == 5
    few = nb.degrade(f"mask(keep=0.1, kind={kind})", clean)[1].mask.mean()
    assert 0.09 < few < 0.16


@pytest.mark.parametrize("kind", ["holes", "strokes"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (16, 16)])
def test_shapes_fit_pictures_of_any_size_and_nothing_is_missing_where_all_is_kept(
    kind: str, shape: tuple[int, int]
) -> None:
    clean = np.full(shape, 9, np.uint8)
    assert nb.degrade(f"mask(keep=1, kind={kind})", clean)[1].mask.all()
    for keep in (1e-300, 0.5):
        mask = nb.degrade(f"mask(keep={keep}, kind={kind})", clean)[1].mask
        assert mask.shape == shape and set(np.unique(mask)) <= {0, 1}


def test_holes_are_few_and_in_one_piece_where_strokes_are_long() -> None:
    """Of a pixel that is missing, so are nearly all pixels beside it in holes, fewer in lines, and a quarter else."""
    clean = np.zeros((128, 128), np.uint8)

    def beside(kind: str) -> float:
        missing = nb.degrade(f"mask(keep=0.75, kind={kind})", clean)[1].mask == 0
        return float(missing[:, 1:][missing[:, :-1]].mean())

    assert beside("holes") > 0.95 > beside("strokes") > 0.7 > 0.3 > beside("pixels")


# ---- scores of what was missing


def test_scores_of_holes_see_the_missing_pixels_alone() -> None:
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 256, (24, 20, 3), np.uint8)
    mask = np.ones((24, 20))
    mask[8:15, 6:12] = 0
    noisy = clean / 255.0 * mask[:, :, None]
    restored = rng.random(clean.shape)
    found = nb.score(restored, clean, ("psnr_hole", "psnr"), noisy=noisy, mask=mask)
    error = (np.rint(restored * 255) - clean)[mask == 0]
    assert found["psnr_hole"] == pytest.approx(10 * math.log10(255**2 / np.mean(error**2)), abs=1e-12)
    assert found["psnr"] == nb.psnr(restored, clean)
    composed = np.where(mask[:, :, None] > 0, noisy, restored)
    for metric in ("psnr_hole", "ssim_hole"):
        same = [nb.score(one, clean, metric, noisy=noisy, mask=mask)[metric] for one in (restored, composed)]
        assert same[0] == same[1]
    assert nb.score(clean, clean, ("psnr_hole", "ssim_hole"), noisy=noisy, mask=mask) == {
        "psnr_hole": math.inf, "ssim_hole": pytest.approx(1),
    }  # fmt: skip


def test_with_every_middle_missing_the_ssim_of_holes_is_the_ssim() -> None:
    rng = np.random.default_rng(1)
    clean, restored = rng.random((30, 17, 3)), rng.random((30, 17, 3))
    mask = np.zeros((30, 17))
    found = nb.score(restored, clean, ("ssim_hole", "psnr_hole"), "float", noisy=restored, mask=mask)
    assert found["ssim_hole"] == pytest.approx(nb.ssim(restored, clean, "float"), abs=1e-9)
    assert found["psnr_hole"] == pytest.approx(nb.psnr(restored, clean, "float"), abs=1e-9)


def test_a_border_that_the_protocol_cuts_away_is_no_hole() -> None:
    rng = np.random.default_rng(2)
    clean, restored = rng.integers(0, 256, (12, 14), np.uint8), rng.random((12, 14))
    mask = np.ones((12, 14))
    mask[0], mask[5:8, 3:9] = 0, 0
    error = (np.rint(restored * 255) - clean)[5:8, 3:9]
    value = nb.score(restored, clean, "psnr_hole", "y8(border=2)", noisy=restored, mask=mask)["psnr_hole"]
    assert value == pytest.approx(10 * math.log10(255**2 / np.mean(error**2)), abs=1e-12)


def test_without_a_hole_there_is_no_score_of_one() -> None:
    clean = np.zeros((16, 16), np.uint8)
    for metric in ("psnr_hole", "ssim_hole"):
        assert "discloses a mask" in nb.score(clean, clean, metric, noisy=clean)[metric].reason
        assert "discloses a mask" in nb.score(clean, clean, metric, noisy=clean, mask=np.ones((8, 8)))[metric].reason
        assert (
            "no pixel is missing" in nb.score(clean, clean, metric, noisy=clean, mask=np.ones((16, 16)))[metric].reason
        )
    small = nb.score(clean[:9], clean[:9], "ssim_hole", noisy=clean[:9], mask=np.zeros((9, 16)))["ssim_hole"]
    assert "at least 11" in small.reason


@pytest.mark.parametrize("mask", ["x", np.ones((16, 16, 1)), np.array([["a"]]), 1, [[1] * 16, [1]]])
def test_a_mask_that_is_no_array_of_numbers_is_refused(mask) -> None:
    clean = np.zeros((16, 16), np.uint8)
    with pytest.raises(UsageError, match=r"mask is an array \(H, W\) of numbers"):
        nb.score(clean, clean, "psnr_hole", noisy=clean, mask=mask)


def test_a_run_scores_the_holes_of_its_regime() -> None:
    found = nb.evaluate("telea", "photos", "mask(keep=0.9, kind=holes)", metrics=("psnr", "psnr_hole"), limit=1).rows[0]
    # The error is in the holes alone: PSNR is higher by the share that they have.
    assert found["psnr"] - found["psnr_hole"] == pytest.approx(10, abs=0.5)
    assert np.isnan(nb.evaluate("identity", "photos", metrics="psnr_hole", limit=1).rows[0]["psnr_hole"])


# ---- what training is given


@pytest.mark.parametrize("fixed", [False, True])
def test_batches_tell_the_mask_of_a_regime_that_discloses_one(fixed: bool) -> None:
    def batch(regime: str) -> Any:
        data, bound = open_dataset(bind("dead_leaves(n=4)", "dataset")), bind(regime, "regime")
        return CropBatches(data, range(4), bound, lambda step: [0, 1, 2], crop=16, seed=0, fixed=fixed)(0)

    one = batch("mask(keep=0.6, kind=strokes)")
    assert one["mask"].shape == (3, 1, 16, 16) and one["mask"].dtype == np.float32
    np.testing.assert_array_equal(one["given"], one["wanted"] * one["mask"])
    assert set(batch("gaussian(sigma=25)")) == {"given", "wanted", "place"}
