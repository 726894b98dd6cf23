from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from noisebench.recipes.archs._clips import Hop, Size, peak, refuse_far_frames, refuse_other_shapes
from noisebench.recipes.archs._log_spectra import clips_of, magnitude, spectra_of
from noisebench.recipes.archs._pictures import Width
from torch import nn


def _block(channels: int, width: int, stride: int = 1) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, step in ((channels, stride), (width, 1)):
        conv = nn.Conv2d(before, width, 3, step, padding=1, bias=False)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        layers += [conv, nn.GroupNorm(1, width), nn.ReLU()]
    return nn.Sequential(*layers)


@nb.arch("class_mask_unet", cite="T. Mahmud, S. Amizadeh, K. Koishida, D. Marculescu, ICLR 2024; H. Zhao et al., The "
         "sound of pixels, ECCV 2018")  # fmt: skip
@nb.checked(refuse_far_frames)
class ClassMaskUNet(nn.Module):
    """A mask on [0, 1] on the spectrum of a mixture, whose phase stays, by a U-Net told the classes of what is to stay.

    Its input are log1p of the magnitudes, of a clip whose peak is 1, and a plane of the frequency. Each class has an
    embedding; the sum of those that are asked for scales and shifts the coarsest level. classes: so many. width:
    channels of the finest of `depth` levels; each next one has twice as many. size, hop: of the spectra, in samples.
    Trained with `supervised_separation`, `mix_and_separate` or `bimodal`.
    """

    asks = "source"

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        classes: Annotated[int, Ge(2), Le(10_000)] = 5,
        width: Width = 8,
        depth: Annotated[int, Ge(2), Le(8)] = 4,
        size: Size = 256,
        hop: Hop = 64,
    ) -> None:
        super().__init__()
        refuse_other_shapes(given, wanted, "class_mask_unet")
        self.classes, self.size, self.hop = classes, size, hop
        widths = [width * 2**level for level in range(depth)]
        self.down = nn.ModuleList(
            _block(2 if level == 0 else widths[level - 1], wide, 1 if level == 0 else 2)
            for level, wide in enumerate(widths)
        )
        self.told = nn.Linear(classes, 2 * widths[-1])
        self.up = nn.ModuleList(
            _block(widths[level + 1] + widths[level], widths[level]) for level in reversed(range(depth - 1))
        )
        self.head = nn.Conv2d(width, 1, 1)

    def spectra(self, clips: Any) -> Any:
        """Clips (B, 1, N) → complex (B, F, T)."""
        return spectra_of(clips, self.size, self.hop)

    def clips(self, spectra: Any, length: int) -> Any:
        """The inverse of `spectra`: (B, 1, length)."""
        return clips_of(spectra, self.size, self.hop, length)

    def mask(self, magnitudes: Any, classes: Any) -> Any:
        """Magnitudes (B, F, T) of clips of peak 1, and which classes are asked for, (B, classes) of 0 and 1 → mask."""
        high = torch.linspace(-1, 1, magnitudes.shape[1], dtype=magnitudes.dtype, device=magnitudes.device)
        y = torch.stack([torch.log1p(magnitudes), high[None, :, None].expand_as(magnitudes)], dim=1)
        skips = []
        for block in self.down:
            y = block(y)
            skips.append(y)
        scale, shift = self.told(classes.to(y.dtype)).chunk(2, dim=1)
        y = skips.pop() * (1 + scale)[:, :, None, None] + shift[:, :, None, None]
        for block in self.up:
            beside = skips.pop()
            y = block(torch.cat([F.interpolate(y, size=beside.shape[-2:]), beside], dim=1))
        return torch.sigmoid(self.head(y)[:, 0].to(magnitudes.dtype))

    def forward(self, x: Any, classes: Any) -> Any:
        """(B, 1, N) and (B, classes) → (B, 1, N)."""
        level = peak(x)
        spectra = self.spectra(x / level)
        return level * self.clips(self.mask(magnitude(spectra), classes) * spectra, x.shape[-1])
