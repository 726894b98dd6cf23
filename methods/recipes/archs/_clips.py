"""What networks from clip to clip share: complex spectra, compressed and back, and the level of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le

Size = Annotated[int, Ge(8), Le(8_192)]
Hop = Annotated[int, Ge(2), Le(4_096)]


def refuse_far_frames(size: int, hop: int) -> None:
    """Raise `UsageError` for windows that leave samples between them out."""
    if hop > size // 2:
        raise nb.UsageError(f"hop={hop} leaves samples out of windows of size={size}: give hop={size // 2} or less")


@dataclass(frozen=True)
class Spectra:
    """Complex spectra of clips: periodic Hann windows of `size` samples every `hop`, each value c as amplitude |c|^½.

    Its phase stays. With an amplitude of 0.15 clips with a peak of 1 have values of about 0.1 (Richter et al. 2023).
    """

    size: int
    hop: int
    amplitude: float = 0.15

    def __post_init__(self) -> None:
        refuse_far_frames(self.size, self.hop)

    @property
    def bins(self) -> int:
        """Frequencies of a spectrum."""
        return self.size // 2 + 1

    def of(self, clips: Any) -> Any:
        """Clips (B, 1, N) → compressed spectra, complex (B, 1, bins, T)."""
        wave = F.pad(clips[:, 0], (self.size // 2, self.size // 2 + self.size))
        spectra = torch.stft(wave, self.size, self.hop, window=self._window(wave), center=False, return_complex=True)
        return (self.amplitude * _scaled(spectra, -0.5))[:, None]

    def clips(self, spectra: Any, length: int) -> Any:
        """Compressed spectra → clips (B, 1, length): the inverse of `of`."""
        plain = _scaled(spectra[:, 0] / self.amplitude, 1.0)
        parts = torch.fft.irfft(plain, n=self.size, dim=1)
        window = self._window(parts)
        total = (parts.shape[2] - 1) * self.hop + self.size
        wave = _overlapped(parts * window[None, :, None], total, self.size, self.hop)
        weight = _overlapped((window**2)[None, :, None].expand(1, -1, parts.shape[2]), total, self.size, self.hop)
        start = self.size // 2
        return (wave / weight.clamp(min=1e-8))[:, None, start : start + length]

    def _window(self, like: Any) -> Any:
        return torch.hann_window(self.size, periodic=True, dtype=like.dtype, device=like.device)


def _overlapped(frames: Any, total: int, size: int, hop: int) -> Any:
    """Frames (B, size, T) added up where they lie: (B, total)."""
    return F.fold(frames, (1, total), (1, size), stride=(1, hop))[:, 0, 0]


def _scaled(spectra: Any, power: float) -> Any:
    """c |c|^power; 0 stays 0, also in gradients."""
    return spectra * spectra.abs().clamp(min=1e-8) ** power


def as_planes(spectra: Any) -> Any:
    """Complex (B, 1, F, T) → real and imaginary part, (B, 2, F, T)."""
    return torch.cat([spectra.real, spectra.imag], dim=1)


def as_spectra(planes: Any) -> Any:
    """(B, 2, F, T) → complex (B, 1, F, T)."""
    return torch.complex(planes[:, :1].contiguous(), planes[:, 1:2].contiguous())


def peak(clips: Any) -> Any:
    """The largest magnitude of each clip, (B, 1, 1); 1 for silence."""
    largest = clips.abs().amax(dim=(1, 2), keepdim=True)
    return torch.where(largest > 0, largest, torch.ones_like(largest))


def refuse_other_shapes(given: Sequence[int], wanted: Sequence[int], name: str) -> None:
    """Raise `UsageError` for shapes that are no clip in and no clip of the same length out."""
    if len(given) != 2 or given[0] != 1 or tuple(wanted) != tuple(given):
        raise nb.UsageError(f"arch {name} is of clips (1, N) of the track audio, not {tuple(given)} to {tuple(wanted)}")
