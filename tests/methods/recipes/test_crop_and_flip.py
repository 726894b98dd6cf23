"""Crop and flip: each picture is shifted and mirrored by itself, and nothing else happens to it."""

from __future__ import annotations

import noisebench as nb
import pytest
import torch
from noisebench.recipes.parts.crop_and_flip import CropAndFlip, shifted


def test_each_picture_is_one_of_its_shifts_and_mirrored_shifts() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(60, 2, 5, 4) + 1
    found = shifted(pictures, 1, flip=True)
    padded = torch.nn.functional.pad(pictures, (1, 1, 1, 1))
    seen = set()
    for number, picture in enumerate(found):
        windows = {
            (top, left, flip): window.flip(-1) if flip else window
            for top in range(3) for left in range(3) for flip in (False, True)
            for window in [padded[number, :, top : top + 5, left : left + 4]]
        }  # fmt: skip
        seen |= {place for place, window in windows.items() if torch.equal(window, picture)}
    assert len(seen) >= 15  # of 18, so that both sides, all shifts and both directions come


def test_no_shift_and_no_flip_leave_pictures_as_they_are() -> None:
    pictures = torch.rand(3, 1, 4, 6)
    assert torch.equal(shifted(pictures, 0, flip=False), pictures)


def test_labels_stay_and_maps_are_refused() -> None:
    batch = {"given": torch.rand(2, 1, 4, 4), "wanted": torch.tensor([1, 0]), "index": torch.tensor([5, 6])}
    changed = CropAndFlip().batch(batch, 0, 10)
    assert changed["wanted"] is batch["wanted"] and changed["index"] is batch["index"]
    assert batch["given"] is not changed["given"]
    with pytest.raises(nb.UsageError, match="crop_and_flip .*classifiers"):
        CropAndFlip().batch({**batch, "wanted": torch.rand(2, 1, 4, 4)}, 0, 10)
