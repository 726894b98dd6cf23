"""Magnitudes of short-time spectra in their logarithm, and the clip that is behind a mask."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

PICTURE = (256, 64)
"""Samples of a frame, and from one to the next, of the picture of a clip."""


def spectra_of(clips: Any, size: int, hop: int) -> Any:
    """Clips (B, 1, N) → complex (B, size // 2 + 1, 1 + ⌈N / hop⌉), periodic Hann windows, zeros around the clip."""
    window = torch.hann_window(size, dtype=clips.dtype, device=clips.device)
    # Up to a whole hop: the last samples lie in the middle of a frame, and are not divided by nearly 0 on the way back.
    wave = F.pad(clips[:, 0], (0, -clips.shape[-1] % hop))
    return torch.stft(wave, size, hop, window=window, center=True, pad_mode="constant", return_complex=True)


def clips_of(spectra: Any, size: int, hop: int, length: int) -> Any:
    """Spectra → clips (B, 1, length): the inverse of `spectra_of`, in least squares for what is no spectrum."""
    window = torch.hann_window(size, dtype=spectra.real.dtype, device=spectra.device)
    return torch.istft(spectra, size, hop, window=window, center=True, length=length)[:, None]


def magnitude(spectra: Any) -> Any:
    """The absolute value, with a gradient at 0, which is 0."""
    squares = spectra.real.square() + spectra.imag.square()
    return torch.where(squares > 0, squares, 1.0).sqrt() * (squares > 0)


def picture_of(clips: Any) -> Any:
    """Clips (B, 1, N) → log1p of the magnitudes, (B, 1, 129, 1 + ⌈N / 64⌉), on [0, 1] for samples within ±1.

    1 is a magnitude of 128, the sum of the window. A louder clip gives a brighter picture.
    """
    size, hop = PICTURE
    most = torch.log1p(torch.tensor(size / 2, dtype=clips.dtype, device=clips.device))
    return torch.log1p(magnitude(spectra_of(clips, size, hop)))[:, None] / most
