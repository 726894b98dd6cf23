"""The networks that tell the electroglottograph (EGG) of a voice from its speech (AAI)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SIZE, HOP = 200, 25
"""Samples of a frame, and between frames of a clip that is worked on."""
_WIDTHS = (SIZE, 175, 125, 100)
_JUDGE = (100, 50, 25, 1)
_SMOOTH = 17


def _layers(widths: tuple[int, ...], last: nn.Module) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]
    return nn.Sequential(*layers[:-2], last)


class AAI(nn.Module):
    """Encoders of EGG and of speech frames (B, 200) to latents (B, 100) on [-1, 1], and a decoder to EGG frames.

    The judge says of a latent, above 0, that it is of an EGG.
    """

    def __init__(self) -> None:
        super().__init__()
        self.egg, self.speech = _layers(_WIDTHS, nn.Tanh()), _layers(_WIDTHS, nn.Tanh())
        self.decoder = _layers(_WIDTHS[::-1], nn.Identity())
        self.judge = _layers(_JUDGE, nn.Identity())

    def forward(self, frames: Any) -> Any:
        return self.decoder(self.speech(levelled(frames)))


def levelled(frames: Any) -> Any:
    """Frames of a clip of RMS 1 over their own RMS, of which 0.1 is the least: (B, 200)."""
    return frames / frames.square().mean(dim=1, keepdim=True).sqrt().clamp(min=0.1)


def train(speech: Any, egg: Any, draw: Any, steps: int, batch: int, rate: float, weight: float, say: Any) -> AAI:
    """Networks that were trained on frames of `speech` and `egg` (N,) at places `draw(batch)`.

    First the autoencoder of the EGG by the squared error, `steps` steps; then its encoder stays, and a step is: the
    judge learns by cross-entropy to tell latents of EGG and of speech apart; the encoder of speech learns to deceive
    it, `weight` times; encoder of speech and decoder learn to give the EGG by the squared error. Each by an Adam of its
    own, whose rate falls by a cosine.
    """
    net = AAI()
    autoencoding = torch.optim.Adam([*net.egg.parameters(), *net.decoder.parameters()], lr=rate)
    for step in range(steps):
        say(step, 2 * steps)
        _, frames = _frames(speech, egg, draw(batch))
        _descend(autoencoding, F.mse_loss(net.decoder(net.egg(frames)), frames), step, steps, rate)
    net.egg.eval().requires_grad_(False)
    judging = torch.optim.Adam(net.judge.parameters(), lr=rate)
    deceiving = torch.optim.Adam(net.speech.parameters(), lr=rate)
    telling = torch.optim.Adam([*net.speech.parameters(), *net.decoder.parameters()], lr=rate)
    for step in range(steps):
        say(steps + step, 2 * steps)
        given, frames = _frames(speech, egg, draw(batch))
        given = levelled(given)
        if weight:
            latents = net.speech(given)
            true, false = net.judge(net.egg(frames)), net.judge(latents.detach())
            entropy = F.binary_cross_entropy_with_logits
            wrong = entropy(true, torch.ones_like(true)) + entropy(false, torch.zeros_like(false))
            _descend(judging, wrong, step, steps, rate)
            judgements = net.judge(latents)
            _descend(deceiving, weight * entropy(judgements, torch.ones_like(judgements)), step, steps, rate)
        _descend(telling, F.mse_loss(net.decoder(net.speech(given)), frames), step, steps, rate)
    return net.eval()


def _frames(speech: Any, egg: Any, places: Any) -> tuple[Any, Any]:
    at = places[:, None] + torch.arange(SIZE)
    return speech[at], egg[at]


def _descend(optimizer: Any, loss: Any, step: int, steps: int, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * (1 + np.cos(np.pi * step / steps)) / 2
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    optimizer.step()


def overlapped(wave: np.ndarray, function: Callable[[Any], Any]) -> np.ndarray:
    """A function of frames (B, 200) of a clip (N,): the mean of its values every 25 samples under a Hann window.

    Zeros stand around the clip.
    """
    count = -(-(len(wave) + SIZE) // HOP) + 1
    padded = np.zeros((count - 1) * HOP + SIZE, np.float32)
    padded[SIZE : SIZE + len(wave)] = wave[: len(padded) - SIZE]
    frames = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP]
    with torch.no_grad():
        outputs = function(torch.from_numpy(frames.copy())).double().cpu().numpy()
    window = np.hanning(SIZE + 2)[1:-1]
    out, weights = np.zeros(len(padded)), np.zeros(len(padded))
    for place, frame in enumerate(outputs):
        part = slice(place * HOP, place * HOP + SIZE)
        out[part] += window * frame
        weights[part] += window
    return np.asarray((out / np.maximum(weights, 1e-9))[SIZE : SIZE + len(wave)])


def smoothed(wave: np.ndarray) -> np.ndarray:
    """The clip (N,) under a Hann window of 17 samples of sum 1, without delay.

    A decoder predicts each sample by itself: without this, its derivative has several minima a cycle.
    """
    window = np.hanning(_SMOOTH + 2)[1:-1]
    return np.asarray(np.convolve(wave, window / window.sum())[_SMOOTH // 2 :][: len(wave)])
