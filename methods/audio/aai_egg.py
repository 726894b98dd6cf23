from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le

_DRAWS = 2
"""Draws of the regime that each clip is learned from."""


@nb.method("aai_egg", track="audio", cite="P. Prathosh et al., Adversarial approximate inference, arXiv 1903.12248")
class SpeechToEgg:
    """AAI: the electroglottograph (EGG) of a voice from its speech, by adversarial approximate inference.

    Two encoders take frames of 200 samples, of the EGG and of speech, to latents of 100 values, and one decoder makes
    EGG of them. They are trained at setup, once, and kept in the cache: first as an autoencoder of EGG, then on pairs,
    while a judge of latents keeps those of speech like those of EGG. What comes out, smoothed over 17 samples, falls
    steeply at each closure.

    data: clips of one rate whose closures are known, from which their EGG is drawn; closures are instants of the clip
    itself, so that no delay between larynx and lips is left. Test it on other voices. regime: what makes them noisy.
    steps: of each of the two trainings; batch: frames a step; rate: of Adam. weight: how much the judge counts; 0:
    without one. seed: other draws. The polarity of the speech must be that of `data`.
    """

    def __init__(
        self,
        *,
        data: nb.DatasetSpec = "voices(n=60, rate=8000, seed=1000)",
        regime: Annotated[Any, nb.Nested("regime")] = "white(snr=10)",
        steps: Annotated[int, Ge(1), Le(10_000_000)] = 1500,
        batch: Annotated[int, Ge(2), Le(65_536)] = 256,
        rate: Annotated[float, Gt(0), Le(1)] = 2e-3,
        weight: Annotated[float, Ge(0), Le(1_000)] = 1.0,
        seed: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.data, self.regime, self.seed = data, regime, seed
        self.settings = (steps, batch, rate, weight)

    def setup(self, device: Any) -> None:
        """Train the networks, or take them from the cache.

        Raises `UsageError` for clips of several rates, shorter than a frame, or without closures.
        """
        import torch
        from noisebench.methods.audio._egg import AAI

        dataset = nb.open_dataset(self.data)
        clips = [dataset.load(index) for index in range(len(dataset.ids))]
        for clip in clips:
            if clip.rate != clips[0].rate or clip.closures is None or len(clip.wave) < 2 * 200:
                raise nb.UsageError(
                    f"aai_egg learns from clips of one rate, of 400 samples or more, with known closures: "
                    f"{clip.id!r} of {self.data.display} is none"
                )
        self.clip_rate = clips[0].rate
        lines = list(self._made_of(clips))
        weights = nb.made_once("aai_egg", lines, lambda say: self._trained(clips, say))
        self.net = AAI()
        self.net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        self.net = self.net.eval().requires_grad_(False).to(device)
        self.device = device

    def enhance(self, wave: Any, info: Any) -> Any:
        """Speech (N,) → EGG (N,). Raises `Skip` for another sample rate."""
        from noisebench.methods.audio._egg import overlapped, smoothed

        if info.rate != self.clip_rate:
            raise nb.Skip(f"aai_egg learned at {self.clip_rate} Hz, not {info.rate}: give data=… of that rate")
        egg = overlapped(_of_rms_one(wave), lambda frames: self.net(frames.to(self.device)))
        return smoothed(egg).astype(np.float32)

    def _made_of(self, clips: Any) -> Iterator[str]:
        """All that the networks depend on."""
        import torch

        track = nb.get_track("audio")
        yield f"{self.settings!r} {self.seed} {_DRAWS} torch {torch.__version__}"
        sources = nb.module_sources(Path(__file__).resolve(), __name__)
        for bound in (self.data, self.regime):
            yield f"{bound.canonical} {bound.versions!r}"
            sources = sources | nb.method_sources(bound)
        yield from (f"{name} {sha256}" for name, sha256 in sorted(sources.items()))
        yield from (track.identify(clip) for clip in clips)

    def _trained(self, clips: Any, say: Any) -> dict[str, Any]:
        """Weights of the networks. Raises `UsageError` where they diverged."""
        import torch
        from noisebench.methods.audio._egg import SIZE, train
        from noisebench.recipes.parts._example_scores import one_thread
        from noisebench.tracks.audio.egg import egg_of

        track, speech, egg, places, total = nb.get_track("audio"), [], [], [], 0
        for clip in clips:
            true = egg_of(clip.closures, clip.rate, len(clip.wave))
            for draw in range(_DRAWS):
                # Seeds of tests are small: this one is its own.
                case = track.pose(self.regime, clip, 2**31 + self.seed, draw)
                speech.append(_of_rms_one(case.given))
                egg.append(true.astype(np.float32))
                places.append(np.arange(total, total + len(true) - SIZE + 1))
                total += len(true)
        given, wanted, at = (torch.from_numpy(np.concatenate(one)) for one in (speech, egg, places))
        # Of deviation 1, so that the rate of Adam suits: no level is told by an EGG anyhow.
        wanted = (wanted - wanted.mean()) / wanted.std().clamp(min=1e-6)
        with one_thread(), torch.random.fork_rng(devices=[]), torch.enable_grad():
            key = nb.text_key(f"aai_egg|{self.settings!r}|{self.seed}")  # not of its code, which may be edited
            torch.manual_seed(int.from_bytes(key[:7], "little"))
            net = train(given, wanted, lambda batch: at[torch.randint(len(at), (batch,))], *self.settings, say)
        weights = {name: value.detach().cpu().numpy() for name, value in net.state_dict().items()}
        if not all(math.isfinite(float(np.abs(value).sum())) for value in weights.values()):
            raise nb.UsageError("aai_egg: its training diverged: give a lower rate")
        return weights


def _of_rms_one(wave: np.ndarray) -> np.ndarray:
    rms = float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))
    return np.asarray(wave / rms if rms > 0 else wave, np.float32)
