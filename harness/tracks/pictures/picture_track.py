"""What the tracks of pictures do alike: layouts of methods, channels, and when torch is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...components.registry import Bound
from ...track.default_track import DefaultTrack
from ...track.preloading import torch_where_used
from ...track.words import Words

if TYPE_CHECKING:
    from ...imaging.pixels import Array
    from .near_pictures import PictureSketch


PICTURE_WORDS = Words(item="picture", items="pictures", given="noisy picture", level="noise level")


class PictureTrack(DefaultTrack):
    """A track whose methods are given pictures, as tensors (1, C, H, W) or as arrays (H, W, C)."""

    borrows: Mapping[str, str] = {"regime": "restore"}
    """The track whose components of a kind serve here too, where it has none of its own."""
    sketches = "pictures"

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """As every track; a layout is `tensor` or `hwc`."""
        complete = super().declare(kind, declared)
        if complete.get("layout") not in (None, "tensor", "hwc"):
            raise ValueError(f"layout is 'tensor' or 'hwc', not {complete['layout']!r}")
        return complete

    def preload_for(self, components: Iterable[Bound]) -> tuple[str, ...]:
        """torch, where a method takes tensors, or a plug-in has imported it."""
        return torch_where_used(components)

    def picture_of(self, item: Any) -> Array:
        """The picture of an item as the dataset has it, (H, W) or (H, W, C)."""
        picture: Array = item.picture
        return picture

    def channels(self, item: Any) -> int:
        """How many channels the picture of an item has."""
        from ...imaging.pixels import as_hwc

        return int(as_hwc(self.picture_of(item)).shape[2])

    def truth_sketch(self, item: Any) -> PictureSketch | None:
        """What is compared of a picture to see whether a training shows it."""
        from .near_pictures import picture_sketch

        return picture_sketch(self.picture_of(item))

    def shown(self, trained: Sequence[PictureSketch], tested: Sequence[PictureSketch]) -> dict[int, int]:
        """Places of tested pictures that are nearly a picture that is trained on, or show part of it."""
        from .near_pictures import shown

        return shown(trained, tested)
