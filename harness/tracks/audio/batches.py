"""Training batches of clips: keyed parts of them, and of what a regime makes of each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...components.keyed_noise import keyed_generator
from ...text.errors import UsageError
from ...track.item_batches import ItemBatches
from .clip import Clip, Floats, who
from .mixture import MixedClip
from .posing import pose_clip


class ClipBatches(ItemBatches):
    """Batches of float32 (B, 1, crop): `given` under the regime, `wanted` clean; `place` (B,) among those trained on.

    The regime draws on the whole clip, each time anew, so that its SNR is that of the clip; then both are cut at a
    place that is drawn. A shorter clip has zeros around it. With `fixed` a clip gives one part and one draw. The batch
    of a step depends on the clips, the regime, `seed` and the step alone. Clips are held in memory. Clips of an effect
    with K knobs have them as K further channels of `given`, (B, 1 + K, crop), each the same all along. Of mixtures
    there are `labels` (B, S) int64, the classes that sound in each, that of what is wanted first. Raises `UsageError`
    for clips of several rates, numbers of knobs or numbers of sources, and for a crop that is none.
    """

    def __post_init__(self) -> None:
        if self.crop < 1:
            raise UsageError("a training on clips needs a crop: how many samples a step takes of each")
        self._clips: list[Clip] = [self.dataset.load(index) for index in self.chosen]
        for clip in self._clips:
            if clip.rate != self._clips[0].rate:
                first = self._clips[0]
                raise UsageError(
                    f"training clips {who(first)} of {first.rate} Hz and {who(clip)} of {clip.rate} Hz differ in their "
                    "rate: give folder(…, rate=8000)"
                )
            if len(_knobs(clip)) != len(_knobs(self._clips[0])):
                raise UsageError(
                    f"training clips {who(self._clips[0])} and {who(clip)} have {len(_knobs(self._clips[0]))} and "
                    f"{len(_knobs(clip))} knobs: train on clips of one effect"
                )
        sources_of_clips = [clip.sources if isinstance(clip, MixedClip) else () for clip in self._clips]
        if len({len(sources) for sources in sources_of_clips}) > 1:
            raise UsageError("training clips mix different numbers of sources: give a dataset with one number")
        self._labels = np.array(sources_of_clips, np.int64)
        self.given: tuple[int, ...] = (1 + len(_knobs(self._clips[0])), self.crop)
        self.wanted: tuple[int, ...] = (1, self.crop)

    def __call__(self, step: int) -> Mapping[str, Floats]:
        """The batch of a step."""
        places = self.order(step)
        rng = self._rng(str(step))
        pairs = [self._made_of(place, rng, step) for place in places]
        given, wanted = (np.stack([pair[k] for pair in pairs])[:, None] for k in (0, 1))
        if self.given[0] > 1:
            knobs = np.stack([_knobs(self._clips[place]) for place in places]).astype(np.float32)
            given = np.concatenate([given, np.repeat(knobs[:, :, None], self.crop, axis=2)], axis=1)
        batch = {"given": given, "wanted": wanted, "place": np.asarray(places, np.int64)}
        return batch | {"labels": self._labels[places]} if self._labels.shape[1] else batch

    def _made_of(self, place: int, rng: np.random.Generator, step: int) -> tuple[Floats, Floats]:
        clip = self._clips[place]
        if self.fixed:
            rng, step = self._rng(f"clip {clip.id}"), 0
        case = pose_clip(self.regime, clip, self.seed, step)
        spare = len(clip.wave) - self.crop
        start = int(rng.integers(min(spare, 0), max(spare, 0) + 1))
        return self._cut(case.given, start), self._cut(clip.wave, start)

    def _cut(self, wave: Floats, start: int) -> Floats:
        part: Any = np.zeros(self.crop, np.float32)
        inside = wave[max(start, 0) : max(start, 0) + self.crop + min(start, 0)]
        part[max(-start, 0) : max(-start, 0) + len(inside)] = inside
        return np.asarray(part)

    def _rng(self, purpose: str) -> np.random.Generator:
        return keyed_generator(hashlib.sha256(f"parts|{self.seed}|{purpose}".encode()).digest())


def _knobs(clip: Clip) -> Floats:
    return np.zeros(0) if clip.effect is None else clip.effect.knobs
