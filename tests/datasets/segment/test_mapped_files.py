"""The user's own pictures and masks, and the membranes of an expert."""

from __future__ import annotations

import os
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.text.errors import UsageError
from noisebench.tracks.segment import UNLABELLED


def made(root: Path, **masks: np.ndarray) -> str:
    for name, mask in masks.items():
        for folder, values in (("pictures", np.zeros((4, 6, 3), np.uint8)), ("masks", mask.astype(np.uint8))):
            (root / folder).mkdir(exist_ok=True)
            nb.write_picture(root / folder / f"{name}.png", values)
    return f"pictures={str(root / 'pictures')!r}, masks={str(root / 'masks')!r}"


def opened(spec: str) -> nb.Dataset:
    return nb.open_dataset(nb.bind(spec, "dataset", "segment"))


def mask_of(*values: int) -> np.ndarray:
    return np.resize(np.array(values), (4, 6))


def test_the_values_of_all_masks_are_the_classes_in_their_order(tmp_path: Path) -> None:
    found = opened(f"folder({made(tmp_path, a=mask_of(0, 255), b=mask_of(0, 128))})")
    first, second = (found.load(i) for i in range(2))
    assert list(found.ids) == ["a", "b"] and first.classes == ("0", "128", "255") and first.background == 0
    assert first.labels[0].tolist() == [0, 2] * 3 and second.labels[0].tolist() == [0, 1] * 3
    assert first.picture.shape == (4, 6, 3)


def test_classes_have_names_pixels_may_be_unlabelled_and_pictures_of_one_group(tmp_path: Path) -> None:
    where = made(tmp_path, p1_a=mask_of(0, 1, 9))
    item = opened(f"folder({where}, classes=(ground, cell), unlabelled=9, group='^[^_]+')").load(0)
    assert item.labels[0, :3].tolist() == [0, 1, UNLABELLED]
    assert item.classes == ("ground", "cell") and item.group == "p1"


@pytest.mark.parametrize(
    ("masks", "more", "why"),
    [
        ({"a": mask_of(7)}, "", "masks have 1 values"),
        ({"a": mask_of(0, 1)}, "classes=(x, y, z)", "classes= names 3"),
        ({"a": mask_of(0, 1)}, "background=2", "beyond the 2 classes"),
        ({"a": np.zeros((3, 6))}, "", "have one size"),
    ],
)
def test_masks_that_do_not_fit_are_refused_in_one_line(
    tmp_path: Path, masks: dict[str, np.ndarray], more: str, why: str
) -> None:
    with pytest.raises(UsageError) as caught:
        opened(f"folder({made(tmp_path, **masks)}, {more})").load(0)
    assert why in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.skipif(
    not (Path(os.environ.get("NOISEBENCH_DATA", "/nowhere")) / "em_membranes").is_dir(),
    reason="em_membranes is not at $NOISEBENCH_DATA",
)
def test_membranes_are_split_by_slices_with_a_gap() -> None:
    train, test = opened("em_membranes(split=train)"), opened("em_membranes")
    assert (train.ids[-1], test.ids[0], len(train.ids), len(test.ids)) == ("slice_19", "slice_24", 20, 6)
    item, tile = test.load(0), opened("em_membranes(tiles=4)").load(0)
    assert item.classes == ("cell", "membrane") and 0.15 < item.labels.mean() < 0.3
    assert (tile.picture == item.picture[:128, :128]).all() and tile.group == item.group == "slice_24"
