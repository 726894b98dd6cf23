"""Track `audio`: a noisy clip in, a clip as clean as can be out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...components.calls import degraded, metric_value, read_only
from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound
from ...store.outputs import OutputFiles
from ...text.errors import UsageError
from ...track.info import Info
from ...track.outputs import ArrayFiles
from ...track.protocols import (
    Batches,
    Case,
    Dataset,
    Defaults,
    Words,
    add_track,
    checked_declarations,
    torch_where_used,
)

if TYPE_CHECKING:
    from ...boards.board import Board
    from ...report.plots.drawing import Plot
    from ...report.plots.sheets import Sheet
    from .clip import Clip, Floats
    from .enhancer import Enhancer

_LOUDER = 100
"""So many times as loud as its input is no output on full scale."""
_DECLARED: Mapping[str, Mapping[str, Any]] = {"regime": {"title": ""}}


class ClipFiles(ArrayFiles):
    """Clips as `.npy`, float32 (N,)."""

    dtype = "<f4"

    def panel(self, item: Clip, case: Case, output: Floats) -> Mapping[str, bytes] | None:
        """Spectrograms of the true clip, the noisy one and the restored one, and their first seconds to listen to."""
        from .drawing import draw_spectrograms
        from .sounds import cut_sounds

        return draw_spectrograms(item, case.given, output) | cut_sounds(item, case.given, output)


class AudioTrack:
    """Items are clips, a regime makes them noisy, a method restores them."""

    name = "audio"
    version = 1
    words = Words(
        item="clip",
        items="clips",
        given="noisy clip",
        output="restored clip",
        truth="true clip",
        level="noise level",
    )
    defaults = Defaults(
        protocol="plain",
        metrics=("si_sdr", "estoi", "log_spectral_distance"),
        rank_by="si_sdr",
        dataset="voices",
        regime="white(snr=5)",
        size=(16_000,),
    )
    preload: tuple[str, ...] = ("numpy", "scipy.signal")
    outputs: OutputFiles = ClipFiles()

    def __repr__(self) -> str:
        return f"Track({self.name})"

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """What a component declares, complete. Raises `UsageError` for a name unknown here."""
        return checked_declarations(kind, declared, _DECLARED)

    def identify(self, item: Clip) -> str:
        """Id, and the hash of waveform, rate, closures, effect and mixture, on one line.

        Raises `UsageError` for a clip of one sample, which without its mean is silence.
        """
        from .clip import who
        from .mixture import item_sha256

        if len(item.wave) < 2:
            raise UsageError(f"{who(item)}: one sample is no clip: leave it out")
        return f"{item.id!r} {item_sha256(item)}"

    def pose(self, regime: Bound, item: Clip, seed: int, draw: int = 0) -> Case:
        """The noisy clip, float32 (N,), keyed by waveform, rate, regime, seed and draw; its rate is told.

        The truth stays in the item: for reverberation it is the clip as it was spoken. Of a clip that an effect made,
        the regime lies over the dry one, and settings and `knobs` are told; of a clip in a mixture it lies over the
        mixture, and `source` tells the class of what is to be found.
        """
        import numpy as np

        from .mixture import Mixture, item_sha256

        key = noise_key(regime, seed, item_sha256(item), draw)
        rng = keyed_generator(key)
        wave, told = item.posed.astype(np.float64), dict[str, Any]()
        if item.effect is not None:
            told |= {**item.effect.settings, "knobs": item.effect.knobs.copy()}
        for part in regime.parts:
            wave, new = degraded(part, wave, rng, item.rate)
            # Of two noises in a row neither level is the level of both.
            told |= {name: None if name in told else value for name, value in new.items()}
        given = wave.astype(np.float32)
        told["rate"] = item.rate
        head = f"{item.rate}\n"
        if isinstance(item, Mixture):
            told["source"] = item.sources[0]
            head = f"{item.rate} {item.sources[0]}\n"
        sha = hashlib.sha256(head.encode() + given.astype("<f4").tobytes()).hexdigest()
        return Case(given, Info(told, key), sha, given.shape)

    def open(self, method: Bound) -> Enhancer:
        """The method, ready to be set up. Raises `Skip` where a package that it requires is not there."""
        from .enhancer import Enhancer

        return Enhancer(method)

    def score(
        self, output: Floats, item: Clip, case: Case, protocol: Bound, metrics: Sequence[Bound]
    ) -> dict[str, float]:
        """Scores by display form of the metric, of both clips as the protocol leaves them."""
        from .scored import Restored

        made, truth, rate = protocol.entry.obj(output, item.wave, item.rate, **protocol.kwargs)
        restored = Restored(read_only(made), read_only(truth), rate, read_only(case.given), item)
        return {metric.display: metric_value(metric, restored) for metric in metrics}

    def probe(self, size: tuple[int, ...]) -> Clip:
        """A sum of slowly gliding tones of `size` (N,) samples at 16 kHz, for costs."""
        import numpy as np

        from .clip import as_clip

        time = np.arange(size[0]) / 16_000
        wave = sum(np.sin(2 * np.pi * k * (120 + 10 * np.sin(2 * time)) * time) / k for k in range(1, 9))
        return as_clip("cost", wave, 16_000, level=-26.0)

    # Below: what a track may have. See the protocols of `track.py` and of `report/sections.py`.

    def off_scale(self, output: Floats, case: Case) -> str:
        """Why a clip is not on full scale ±1: it is a hundred times as loud as what was given."""
        import numpy as np

        given, made = (float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) for wave in (case.given, output))
        if made <= _LOUDER * given:
            return ""
        return f"returned a clip {made / given:,.0f} times as loud as its input: give full scale ±1, not ±32,768"

    def preload_for(self, components: Iterable[Bound]) -> tuple[str, ...]:
        """torch, where a network is trained or used, or a plug-in has imported it."""
        objects = [entry.obj for bound in components for entry in bound.entries]
        used = any(getattr(one, "trained", False) for one in objects)
        return ("torch",) if used else torch_where_used(())

    def batches(
        self,
        dataset: Dataset,
        chosen: Sequence[int],
        regime: Bound,
        order: Callable[[int], Sequence[int]],
        *,
        crop: int,
        seed: int,
        fixed: bool = False,
    ) -> Batches:
        """Parts of clips and of what the regime makes of them: see `tracks/audio/batches.py`."""
        from .batches import ClipBatches

        return ClipBatches(self, dataset, chosen, regime, order, crop=crop, seed=seed, fixed=fixed)

    def truth_sha256(self, item: Clip) -> str:
        """The hash of waveform and rate; of the dry one of an effect, which with other settings is no new clip."""
        from .clip import Clip, clip_sha256

        return clip_sha256(Clip(item.id, item.wave if item.effect is None else item.effect.dry, item.rate))

    def panels(self, boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
        """What each method made of one clip, as spectrograms: see `tracks/audio/report.py`."""
        from ...report.plots.side_by_side import tile_panels
        from .report import SPECTROGRAMS

        return tile_panels(boards, most, notes, sheet, SPECTROGRAMS)


TRACK = add_track(AudioTrack())
