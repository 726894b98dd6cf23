"""What the tracks of pictures do alike: layouts of methods, channels, and when torch is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...components.registry import Bound
from ...track.default_track import DefaultTrack
from ...track.protocols import Words, torch_where_used

if TYPE_CHECKING:
    from ...imaging.pixels import Array


PICTURE_WORDS = Words(item="picture", items="pictures", given="noisy picture", level="noise level")


class PictureTrack(DefaultTrack):
    """A track whose methods are given pictures, as tensors (1, C, H, W) or as arrays (H, W, C)."""

    borrows: Mapping[str, str] = {"regime": "restore"}
    """The track whose components of a kind serve here too, where it has none of its own."""

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
