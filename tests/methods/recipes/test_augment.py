"""Training pictures that are moved and mirrored: by how much, which of them, and where that is refused."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.recipes.parts.augment import moved


def augmented(spec: str, given: Any, wanted: Any = None) -> Any:
    made = bind(spec, "part")
    batch = {"given": given, "wanted": torch.zeros(len(given), dtype=torch.long) if wanted is None else wanted}
    torch.manual_seed(0)
    return made.entry.obj(**made.kwargs).batch(batch, 0, 1)


def test_each_picture_is_moved_by_its_own_pixels_and_zeros_come_in() -> None:
    pictures = torch.arange(1.0, 10).reshape(1, 1, 3, 3).repeat(3, 1, 1, 1)
    found = moved(pictures, torch.tensor([1, 0, 0]), torch.tensor([0, -1, 0]))[:, 0]
    assert found[0].tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert found[1].tolist() == [[2, 3, 0], [5, 6, 0], [8, 9, 0]]
    assert torch.equal(found[2], pictures[2, 0])


def test_every_shift_is_as_likely_and_half_of_the_pictures_are_mirrored() -> None:
    given = torch.zeros(9000, 1, 8, 8)
    given[:, 0, 4, 3] = 1
    seen = augmented("augment(shift=1)", given)["given"][:, 0].nonzero()[:, 1:]
    places, counts = seen.unique(dim=0, return_counts=True)
    assert places.tolist() == [[row, column] for row in (3, 4, 5) for column in (2, 3, 4, 5)]
    # Column 3 is mirrored to column 4, so the two in the middle come twice as often.
    for (_, column), count in zip(places.tolist(), counts.tolist(), strict=True):
        assert count == pytest.approx(9000 / 9 * (1 if column in (3, 4) else 0.5), rel=0.15)


def test_without_shift_and_mirror_the_pictures_are_as_they_were() -> None:
    given = torch.rand(5, 3, 6, 7)
    assert torch.equal(augmented("augment(shift=0, mirror=false)", given)["given"], given)


def test_pictures_without_labels_are_refused_before_the_first_step() -> None:
    pictures = torch.rand(2, 1, 8, 8)
    with pytest.raises(nb.UsageError, match="^part augment .*label.*: leave out"):
        augmented("augment", pictures, pictures)
