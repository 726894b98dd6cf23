from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.methods.generate._inner_sampler import sampler_within, stepping_of
from noisebench.methods.generate._moving import Moving, down_and_back, two_levels, unguided
from noisebench.methods.generate._preference import Classes, Classifier, Preference, known
from noisebench.methods.generate.denoise_invert import Guidance

_TOGETHER = 128
"""Pairs that are made at once."""
_BATCH = 64
_PROBES = 8
"""Pictures by whose answers models and classifiers are told apart."""


def _by_one_sampler(pairs_of: tuple[nb.Bound, ...]) -> None:
    if len(pairs_of) > 1:
        raise nb.UsageError("golden_noise makes its pairs with one sampler: name one as pairs_of")


@nb.method(
    "golden_noise",
    track="generate",
    cite="Z. Zhou et al., Golden noise for diffusion models: a learning framework, arXiv 2411.09502",
)
@nb.checked(_by_one_sampler)
class GoldenNoise(Moving):
    """Golden Noise: a small network moves the noise of a sampler to where a class is shown better (NPNet).

    sampler: one with a model that takes classes, such as `ddim(model=guided(model=trained(…)))`. The network is asked
    once, whatever the sampler costs. It learns at setup, once, and is kept in the cache: `count` noises, each with one
    of `classes`, go a step down with guidance `down` and back with `back`, as in `denoise_invert`, and where the sample
    of what comes out is preferred to that of the noise, the network learns to go from one to the other. preference: any
    classifier, such as `trained(…)` of the track `classify`; samples are to be judged by another. steps, rate: of
    AdamW, whose rate falls by a cosine, for the squared error. pairs_of: another sampler, which pairs are made with in
    place of `sampler`: so networks are taken to other models. Where no class is asked for, that is the mean of all.

    The noise of training is keyed apart from that of any test. Text, which the authors embed, is a class here.
    """

    def __init__(
        self,
        *,
        sampler: nb.MethodSpec,
        preference: Classifier,
        pairs_of: Annotated[Any, nb.Nested("method", many=True)] = (),
        classes: Classes = 10,
        count: Annotated[int, Ge(1), Le(10_000_000)] = 1024,
        down: Guidance = 5.5,
        back: Guidance = 1.0,
        steps: Annotated[int, Ge(1), Le(10_000_000)] = 500,
        rate: Annotated[float, Gt(0), Le(1)] = 1e-3,
    ) -> None:
        super().__init__(sampler)
        self.bounds = (pairs_of[0] if pairs_of else sampler, preference)
        self.pairs = sampler_within(pairs_of[0]) if pairs_of else self.inner
        self.stepping = stepping_of(self.pairs, "noise is denoised and inverted")
        self.between = two_levels(self.stepping, "golden_noise")
        self.preference, self.classes = Preference(preference, classes), classes
        self.count, self.down, self.back, self.steps, self.rate = count, down, back, steps, rate

    def setup(self, device: Any) -> None:
        """Set up the sampler, and train the network or take it from the cache.

        Raises `Skip` where weights are missing, `UsageError` where the shape of pictures is not known, or no sample of
        moved noise is preferred.
        """
        import torch
        from noisebench.methods.generate._npnet import NPNet

        super().setup(device)
        if self.pairs is not self.inner:
            self.pairs.setup(device)
        self.preference.setup(device)
        self.shape = _shape(self.stepping.model)
        answers = list(self._answers(device))
        lines = [*self._made_of(device), *answers]
        weights = nb.made_once("golden_noise", lines, lambda say: self._trained(answers, device, say))
        self.kept = float(weights.pop("kept"))
        self.net = NPNet(self.shape, self.classes)
        self.net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        self.net = self.net.eval().requires_grad_(False).to(device)

    def moved(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → those that the sampler begins at. Raises `Skip` for another shape."""
        import torch

        if tuple(latents.shape[1:]) != self.shape:
            raise nb.Skip(f"golden_noise learned of noise {self.shape}, not {tuple(latents.shape[1:])}")
        labels = np.full(len(latents), -1) if info.labels is None else info.labels
        with torch.no_grad():
            return self.net(latents.float(), known(labels, self.classes).to(latents.device))

    def _made_of(self, device: Any) -> Iterator[str]:
        """All that the network depends on, but for what models and classifiers have learned."""
        import torch

        yield f"{self.classes} {self.count} {self.down!r} {self.back!r} {self.steps} {self.rate!r} {self.shape}"
        yield f"torch {torch.__version__} {device}"
        sources = nb.module_sources(Path(__file__).resolve(), __name__)
        for bound in self.bounds:
            yield f"{bound.canonical} {bound.versions!r}"
            sources = sources | nb.method_sources(bound)
        yield from (f"{name} {sha256}" for name, sha256 in sorted(sources.items()))

    def _answers(self, device: Any) -> Iterator[str]:
        """What model and classifier say of keyed noise: so those with other weights give another network."""
        import torch

        draws = nb.keyed_generator(nb.text_key("golden_noise|probes")).standard_normal((_PROBES, *self.shape))
        noise = torch.from_numpy(draws).to(device)
        labels = torch.arange(_PROBES, device=device) % self.classes
        with torch.no_grad():
            answers = [unguided(self.stepping.model)(level * noise, level, labels)
                       for level in (*self.between, self.stepping.levels[-2])]  # fmt: skip
        answers.append(self.preference.logits(noise))
        yield from (hashlib.sha256(one.double().cpu().numpy().tobytes()).hexdigest() for one in answers)

    def _trained(self, answers: list[str], device: Any, say: Any) -> dict[str, Any]:
        """Weights of the network, and the share of pairs that were kept."""
        import torch
        from noisebench.methods.generate._npnet import NPNet, decomposed

        # Of the model and not of its code, which may be edited.
        key = nb.text_key("\n".join(["golden_noise", f"{self.classes} {self.count} {self.shape}", *answers]))
        noise, target, labels = self._pairs(nb.keyed_generator(key), device, say)
        parts = decomposed(noise)
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(int.from_bytes(key[:7], "little"))
            net = NPNet(self.shape, self.classes).to(device)
            optimizer = torch.optim.AdamW(net.parameters(), lr=self.rate)
            for step in range(self.steps):
                say(self.count + step, self.count + self.steps)
                optimizer.param_groups[0]["lr"] = self.rate * (1 + math.cos(math.pi * step / self.steps)) / 2
                at = torch.randint(len(noise), (_BATCH,)).to(device)
                output = net(noise[at], labels[at], (parts[0][at], parts[1][at], parts[2][at]))
                loss = (output - target[at]).square().mean()
                if not math.isfinite(float(loss.detach())):
                    raise nb.UsageError(f"golden_noise: its training diverged at step {step + 1}: give a lower rate")
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
        weights = {name: value.detach().cpu().numpy() for name, value in net.state_dict().items()}
        return {**weights, "kept": np.array(len(noise) / self.count)}

    def _pairs(self, rng: Any, device: Any, say: Any) -> tuple[Any, Any, Any]:
        """Noise, the noise to go to, float32 (M, C, H, W), and classes (M,) of the pairs that are preferred."""
        import torch

        model, kept_pairs = unguided(self.stepping.model), list[tuple[Any, ...]]()
        for first in range(0, self.count, _TOGETHER):
            say(first, self.count + self.steps)
            n = min(_TOGETHER, self.count - first)
            labels = (first + torch.arange(n, device=device)) % self.classes
            noise = torch.from_numpy(rng.standard_normal((n, *self.shape))).float().to(device)
            moved = down_and_back(model, noise, labels, self.between, self.down, self.back).float()
            batch_info = nb.Info({"labels": labels.cpu().numpy(), "shape": tuple(noise.shape)}, rng.bytes(8))
            before, after = (
                self.preference(self.pairs.call(one.clone(), batch_info.replace()), labels) for one in (noise, moved)
            )
            kept = (after > before).to(device)
            kept_pairs.append((noise[kept], moved[kept], labels[kept]))
        pairs = tuple(torch.cat(parts) for parts in zip(*kept_pairs, strict=True))
        if not len(pairs[0]):
            raise nb.UsageError(
                f"golden_noise: none of {self.count} samples is preferred after its noise was moved: give a model that "
                f"takes classes, if {self.stepping.model.runner.bound.display} does not, or a larger count or down"
            )
        return pairs[0], pairs[1], pairs[2]


def _shape(model: Any) -> tuple[int, ...]:
    """That of the pictures of a model. Raises `UsageError` where it does not say it."""
    inner = unguided(model)
    shape = getattr(inner.instance, "given", None) or getattr(inner.instance, "shape", None)
    if not shape:
        raise nb.UsageError(
            f"golden_noise: {inner.runner.bound.display} does not say the shape of its pictures: give its class an "
            "attribute `given`, (C, H, W), that is known after setup"
        )
    return tuple(shape)
