"""The defaults of a track."""

from __future__ import annotations

from dataclasses import dataclass

MOST_CHANNELS = 4
"""A size with a first number up to this, and a larger last one, has its channels in the wrong place."""


@dataclass(frozen=True)
class Defaults:
    """The defaults of a track: in a suite, in `nb.evaluate`, in the pytest plugin, in a cost.

    `validated_by` is the metric of validations in a training, where it is not `rank_by`. `size` is that of a cost;
    with `channels` a size may have one number more, as for pictures in colour: (256, 256, 3).

        >>> defaults = nb.Defaults("plain", ("rmse", "mae"), "rmse", "sines", "white(sigma=0.1)", size=(64, 64))
        >>> defaults.sizes, defaults.allows((128, 32)), defaults.allows((128,))
        ('64x64', True, False)
    """

    protocol: str
    metrics: tuple[str, ...]
    rank_by: str
    dataset: str
    regime: str
    size: tuple[int, ...] = ()
    validated_by: str = ""
    channels: bool = False

    def allows(self, size: tuple[int, ...]) -> bool:
        """Whether a cost may have this size: as many numbers as the default, or one more for channels."""
        if len(size) == len(self.size):
            return True
        channels_first = len(size) == 3 and size[0] <= MOST_CHANNELS < size[2]
        return self.channels and len(size) == len(self.size) + 1 and size[-1] > 1 and not channels_first

    @property
    def sizes(self) -> str:
        """The default size as a person writes it, and one with channels: `256x256, or 256x256x3 in colour`."""
        usual = "x".join(map(str, self.size))
        return f"{usual}, or {usual}x3 in colour" if self.channels else usual
