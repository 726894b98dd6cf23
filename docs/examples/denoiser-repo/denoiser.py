"""The denoiser of this repository: windows of 8×8 pixels lose the cosine coefficients that noise alone explains."""

from __future__ import annotations

import math

import noisebench as nb
import torch
import torch.nn.functional as F

SIZE, STEP = 8, 2  # of a window, and from one window to the next
THRESHOLD = 2.75  # in standard deviations of the noise


def cosines() -> torch.Tensor:
    """The orthonormal cosine basis as filters (64, 1, 8, 8)."""
    k = torch.arange(SIZE)
    rows = torch.cos(math.pi / SIZE * (k[None] + 0.5) * k[:, None]) * math.sqrt(2 / SIZE)
    rows[0] /= math.sqrt(2)
    return torch.einsum("ai,bj->abij", rows, rows).reshape(SIZE**2, 1, SIZE, SIZE)


@nb.method("dct_shrink", needs=("sigma",))
def dct_shrink(noisy, info):
    """Restore `noisy` (1, C, H, W), whose noise has the standard deviation `info.sigma`."""
    (height, width), pad, filters = noisy.shape[-2:], SIZE - STEP, cosines()
    padded = F.pad(noisy, [pad, pad + width % STEP, pad, pad + height % STEP], mode="replicate")
    found = F.conv2d(padded.transpose(0, 1), filters, stride=STEP)
    kept = found.abs() > THRESHOLD * info.sigma
    kept[:, 0] = True  # the mean of a window is picture
    trust = 1 / kept.sum(1, keepdim=True)  # a window that needs few coefficients holds little noise
    restored = F.conv_transpose2d(found * kept * trust, filters, stride=STEP)
    restored /= F.conv_transpose2d(trust, torch.ones(1, 1, SIZE, SIZE), stride=STEP)
    return restored[..., pad : pad + height, pad : pad + width].transpose(0, 1)
