from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import nn

_TINY = 1e-12


class SpectrumNetwork(nn.Module):
    """What becomes of each frequency along time: (B, bins, T) and knobs (B, K) → (B, bins, last).

    Layers T, w, w/2, w/4, which the knobs join, and w/4, w/2, w, last, with ELU between. The last begins at a tenth.
    """

    def __init__(self, frames: int, last: int, knobs: int, width: int) -> None:
        super().__init__()
        half, quarter = width // 2, width // 4
        self.down = nn.ModuleList(nn.Linear(a, b) for a, b in ((frames, width), (width, half), (half, quarter)))
        self.joined = nn.Linear(quarter + knobs, quarter)
        self.up = nn.ModuleList(nn.Linear(a, b) for a, b in ((quarter, half), (half, width)))
        self.out = nn.Linear(width, last)
        with torch.no_grad():
            self.out.weight.mul_(0.1)
            self.out.bias.zero_()

    def forward(self, x: Any, knobs: Any) -> Any:
        for layer in self.down:
            x = F.elu(layer(x))
        x = F.elu(self.joined(torch.cat([x, knobs[:, None].expand(-1, x.shape[1], -1)], dim=2)))
        for layer in self.up:
            x = F.elu(layer(x))
        return self.out(x)


def _refuse_misfits(size: int, hop: int, frames: int, last: int) -> None:
    if hop > size // 2 or last > frames or (last - 1) * hop <= size:
        raise nb.UsageError(
            f"arch signaltrain: size={size}, hop={hop}, frames={frames}, last={last}: give hop={size // 2} or "
            f"less, and last from {size // hop + 2} to frames"
        )


@nb.arch(
    "signaltrain",
    cite="S. H. Hawley et al., Profiling audio compressors with deep neural networks, AES 147, 2019; arXiv 2006.05584",
)
@nb.checked(_refuse_misfits)
class SignalTrain(nn.Module):
    """SignalTrain: an effect with knobs. Of a part of the dry clip it tells what the effect makes of its last samples.

    (B, 1 + K, N) → (B, 1, N): the dry clip, and K knobs on [-0.5, 0.5] that are the same all along. Windows of `size`
    samples every `hop`: `frames` of them are seen, (frames - 1) hop - size samples, and the `last` told. Magnitudes and
    phases have networks of their own along time, which the knobs join in the middle; the one told multiplies the
    magnitudes seen, the other is added to the phases, and the clip is added to what comes back. width: units of the
    widest layer. basis: Fourier's, which is learned on, or fixed. phase: without it phases stay. Clips of any length
    go through part by part, with zeros before them. The network is of the sample rate that it was trained at.
    """

    asks = "knobs"

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        size: Annotated[int, Ge(8), Le(8_192)] = 1_024,
        hop: Annotated[int, Ge(2), Le(4_096)] = 384,
        frames: Annotated[int, Ge(4), Le(1_000)] = 25,
        last: Annotated[int, Ge(4), Le(1_000)] = 9,
        width: Annotated[int, Ge(8), Le(4_096)] = 64,
        basis: Literal["learned", "fixed"] = "learned",
        phase: bool = True,
    ) -> None:
        super().__init__()
        if len(given) != 2 or given[0] < 2 or tuple(wanted) != (1, given[1]):
            raise nb.UsageError(
                f"arch signaltrain is of clips with knobs (1 + K, N) to clips (1, N), not {tuple(given)} to "
                f"{tuple(wanted)}: train it on a set such as compressed(…)"
            )
        self.size, self.hop, self.last, self.knobs = size, hop, last, given[0] - 1
        self.context, self.output_length = ((count - 1) * hop - size for count in (frames, last))
        if given[1] < self.context:
            raise nb.UsageError(
                f"arch signaltrain sees {self.context} samples: give crop={self.context} or more, or fewer frames"
            )
        self.analysis, self.synthesis = (
            nn.Parameter(kernel, requires_grad=basis == "learned") for kernel in fourier(size, hop)
        )
        self.magnitude = SpectrumNetwork(frames, last, self.knobs, width)
        self.phase = SpectrumNetwork(frames, last, self.knobs, width) if phase else None

    def last_samples(self, parts: Any) -> tuple[Any, Any]:
        """Of (B, 1 + K, context) the last samples, (B, 1, output_length), and their magnitudes, (B, bins, last)."""
        dry, knobs = parts[:, :1], parts[:, 1:, -1]
        # The slope of an angle has no bound where the magnitude is 0: none is sent through it.
        re, im = F.conv1d(dry, self.analysis, stride=self.hop, padding=self.size).chunk(2, dim=1)
        seen = (re.square() + im.square() + _TINY).sqrt()
        angles = torch.atan2(im.detach(), re.detach())
        gain = self.magnitude(seen, knobs)
        re, im = (gain * plane[..., -self.last :] for plane in (re, im))
        if self.phase is not None:
            turn = self.phase(angles, knobs)
            cos, sin = turn.cos(), turn.sin()
            re, im = re * cos - im * sin, re * sin + im * cos
        signal = F.conv_transpose1d(torch.cat([re, im], dim=1), self.synthesis, stride=self.hop, padding=self.size)
        # Half of the clip is added, and the sum doubled.
        return dry[..., -self.output_length :] + 2 * signal, (re.square() + im.square() + _TINY).sqrt()

    def forward(self, x: Any) -> Any:
        length, step = x.shape[-1], self.output_length
        count = -(-length // step)
        if x.shape[1] != 1 + self.knobs:
            raise nb.UsageError(
                f"arch signaltrain was trained with {self.knobs} knobs, and is told {x.shape[1] - 1}: "
                "use the method signaltrain, on clips of that effect"
            )
        padded = F.pad(x[:, :1], (self.context - step, count * step - length))
        parts = padded.unfold(2, self.context, step)[:, 0]
        knobs = x[:, 1:, -1][:, None, :, None].expand(-1, count, -1, self.context)
        whole = torch.cat([parts[:, :, None], knobs], dim=2).flatten(0, 1)
        outputs, _ = self.last_samples(whole)
        return outputs.reshape(len(x), 1, count * step)[..., :length]


def fourier(size: int, hop: int) -> tuple[Any, Any]:
    """Kernels (2 bins, 1, size) of the spectra of Hann windows, and of their inverse: real parts, then imaginary ones.

    Unitary without the window. The sum of the squared windows, which differs from sample to sample of a hop, is divided
    out, so that what goes there and back is what it was.
    """
    n = torch.arange(size, dtype=torch.float64)
    bins = size // 2 + 1
    window = torch.hann_window(size, periodic=True, dtype=torch.float64)
    angle = 2 * math.pi * torch.arange(bins, dtype=torch.float64)[:, None] * n / size
    waves = torch.cat([angle.cos(), -angle.sin()]) / math.sqrt(size)
    twice = torch.full((bins, 1), 2.0, dtype=torch.float64)
    twice[0] = 1
    if size % 2 == 0:
        twice[-1] = 1
    weight = F.pad(window.square(), (0, -size % hop)).reshape(-1, hop).sum(dim=0).repeat(-(-size // hop))[:size]
    back = waves * twice.repeat(2, 1) * window / weight
    return (waves * window)[:, None].float(), back[:, None].float()
