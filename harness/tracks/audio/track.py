"""Track `audio`: a noisy clip in, a clip as clean as can be out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...components.calls import read_only
from ...components.registry import Bound
from ...text.errors import UsageError
from ...track.default_track import DefaultTrack
from ...track.defaults import Defaults
from ...track.lazy_part import LazyPart
from ...track.outputs import ArrayFiles
from ...track.posed_case import Case
from ...track.preloading import torch_where_used
from ...track.track_protocol import add_track
from ...track.words import Words

if TYPE_CHECKING:
    from .clip import Clip, Floats

_LOUDER = 100
"""So many times as loud as its input is no output on full scale."""


class ClipFiles(ArrayFiles):
    """Clips as `.npy`, float32 (N,)."""

    dtype = "<f4"

    def panel(self, item: Clip, case: Case, output: Floats) -> Mapping[str, bytes] | None:
        """Spectrograms of the true clip, the noisy one and the restored one, and all three to listen to."""
        from .drawing import draw_spectrograms
        from .sounds import cut_sounds

        seconds = {"seconds": f"{len(item.wave) / item.rate:.3f}".encode()}
        return draw_spectrograms(item, case.given, output) | cut_sounds(item, case.given, output) | seconds


def _is_speech(dataset: Bound) -> bool:
    """Whether a dataset says that it is speech, or is made of such alone."""
    declared = dataset.kwargs.get("speech", dataset.entry.meta.get("speech"))
    return bool(declared) if declared is not None else bool(dataset.inner) and all(map(_is_speech, dataset.inner))


class AudioTrack(DefaultTrack):
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
    preload = ("numpy", "scipy.signal", "noisebench.tracks.audio.posing")
    outputs = ClipFiles()
    never_exact = True
    sketches = "clips"
    declared: Mapping[str, Mapping[str, Any]] = {"regime": {"title": ""}, "metric": {"speech": False}}
    """`speech`: whether a metric is of speech alone. A dataset declares it too, or has a parameter of that name."""

    pose = LazyPart("posing.pose_clip")
    copied = LazyPart("near_copies.why_copied")
    truth_sketch = LazyPart("near_clips.clip_sketch")
    shown = LazyPart("near_clips.shown")
    open = LazyPart("enhancer.Enhancer")
    batches = LazyPart("batches.ClipBatches")
    panels = LazyPart("report.panels")
    score_folders = LazyPart("folder_scoring.score_folders")
    own_suffixes = (".wav", ".flac", ".ogg", ".aiff", ".aif")
    answer_files = "`item-0001.npy` or `item-0001.wav`"
    sealed_arrays = LazyPart("challenge.sealed_arrays")
    unsealed = LazyPart("challenge.unsealed")
    read_output_file = LazyPart("challenge.read_output_file")

    def identify(self, item: Clip) -> str:
        """Id, and the hash of waveform, rate, closures, effect and mixture, on one line.

        Raises `UsageError` for a clip of one sample, which without its mean is silence.
        """
        from .clip import who
        from .mixture import item_sha256

        if len(item.wave) < 2:
            raise UsageError(f"clip {who(item)} has one sample, where two are the least: leave it out")
        return f"{item.id!r} {item_sha256(item)}"

    def metric_arguments(self, output: Floats, item: Clip, case: Case, protocol: Bound) -> tuple[Any, ...]:
        """Both clips as the protocol leaves them."""
        from .scored import Restored

        restored, truth, rate = protocol.entry.obj(output, item.wave, item.rate, **protocol.kwargs)
        return (Restored(read_only(restored), read_only(truth), rate, read_only(case.given), item),)

    def unsuited(self, metric: Bound, dataset: Bound) -> str:
        """That a metric is of speech alone, and a dataset does not say that it is speech."""
        if not metric.entry.meta["speech"] or _is_speech(dataset):
            return ""
        return f"no column {metric.display}: it is of speech alone, which {dataset.display} is not"

    def probe(self, size: tuple[int, ...]) -> Clip:
        """A sum of slowly gliding tones of `size` (N,) samples at 16 kHz, for costs."""
        import numpy as np

        from .clip import as_clip

        time = np.arange(size[0]) / 16_000
        wave = sum(np.sin(2 * np.pi * k * (120 + 10 * np.sin(2 * time)) * time) / k for k in range(1, 9))
        return as_clip("cost", wave, 16_000, level=-26.0)

    def off_scale(self, output: Floats, case: Case) -> str:
        """Why a clip is not on full scale ±1: it is a hundred times as loud as what was given."""
        import numpy as np

        given, returned = (float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) for wave in (case.given, output))
        if returned <= _LOUDER * given:
            return ""
        return f"returned a clip {returned / given:,.0f} times as loud as its input: give full scale ±1, not ±32,768"

    def preload_for(self, components: Iterable[Bound]) -> tuple[str, ...]:
        """torch, where a network is trained or used, or a plug-in has imported it."""
        objects = [entry.obj for bound in components for entry in bound.entries]
        used = any(getattr(one, "trained", False) for one in objects)
        return ("torch",) if used else torch_where_used(())

    def truth_sha256(self, item: Clip) -> str:
        """The hash of waveform and rate; of the dry one of an effect, which with other settings is no new clip."""
        from .clip import Clip, clip_sha256

        turned = item.effect is not None and item.effect.knobs.size
        return clip_sha256(Clip(item.id, item.posed if turned else item.wave, item.rate))


TRACK = add_track(AudioTrack())
