from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from noisebench.recipes.archs._band import Blur, FrequencyMix, LowBand, nyquist
from noisebench.recipes.archs._pictures import Width, channels_and_scale, enlarged, head, padded
from torch import nn


def _block(channels: int, width: int, bias: bool, stride: int = 1) -> nn.Sequential:
    first = nn.Conv2d(channels, width, 3, stride, padding=1, bias=bias)
    return nn.Sequential(first, nn.ReLU(), nn.Conv2d(width, width, 3, padding=1, bias=bias), nn.ReLU())


def _before(down: str, width: int) -> nn.Module:
    """What a level's input goes through before its first convolution, which doubles the channels."""
    limit = nyquist(width, 2 * width, (2, 2))
    if down == "avg":
        return nn.AvgPool2d(2)
    if down == "blur":
        return Blur()
    if down == "daf":
        return LowBand(limit)
    return FrequencyMix(width, limit) if down == "freqmix" else nn.Identity()


@nb.arch("unet", cite="O. Ronneberger, P. Fischer, T. Brox, U-Net, MICCAI 2015")
class UNet(nn.Module):
    """U-Net: convolutions at halved resolutions and back, with what each level held joined again; residual.

    width: channels of the finest of `depth` levels; each next one has twice as many. Sides may be of any length.
    bias_free: without additive constants, so that a scaled input gives a scaled output.
    down: `avg` halves by 2x2 averages; the others by the stride of a level's first convolution: `stride` alone, `blur`
    behind a binomial filter (Zhang, ICML 2019), `daf` behind the ideal filter of what that convolution can carry, and
    `freqmix` behind learned gates of the two bands (both Chen et al., ICLR 2024; part `aliasing` has the definition).
    unshuffle: the finest level is so many times as coarse as the picture, whose pixels become channels, as FFDNet has
    it (Zhang et al., TIP 2018): a pixel costs less, and a short training learns less.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        width: Width = 16,
        depth: Annotated[int, Ge(1), Le(8)] = 3,
        bias_free: bool = False,
        down: Annotated[Literal["avg", "stride", "blur", "daf", "freqmix"], nb.Later()] = "avg",
        unshuffle: Annotated[int, Ge(1), Le(8)] = 1,
    ) -> None:
        super().__init__()
        channels, self.out, self.scale = channels_and_scale(given, wanted)
        bias, self.unshuffle = not bias_free, unshuffle
        channels *= unshuffle**2
        widths = [width * 2**level for level in range(depth)]
        if bias_free and down == "freqmix":
            raise nb.UsageError(
                "arch unet: the gates of down=freqmix are not free of scale: give another for bias_free"
            )
        self.down = nn.ModuleList([_block(channels, widths[0], bias)])
        for before, after in itertools.pairwise(widths):
            self.down.append(_block(before, after, bias, stride=1 if down == "avg" else 2))
        self.before = nn.ModuleList(_before(down, width) for width in widths[:-1])
        self.rise = nn.ModuleList()
        self.up = nn.ModuleList()
        for level in reversed(range(depth - 1)):
            self.rise.append(nn.ConvTranspose2d(widths[level + 1], widths[level], 2, stride=2, bias=bias))
            self.up.append(_block(2 * widths[level], widths[level], bias))
        self.head = head(width, self.out, self.scale * unshuffle, bias=bias)
        self._start()

    def _start(self) -> None:
        """Variances of He et al. (ICCV 2015), by which no signal fades; the head adds hardly anything at first."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            elif isinstance(layer, nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, std=layer.in_channels**-0.5)
        for layer in self.head.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=1e-3)
        for name, bias in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(bias)

    def forward(self, x: Any) -> Any:
        height, width = x.shape[-2:]
        base = padded(x, self.unshuffle * 2 ** (len(self.down) - 1))
        # With channels last a step takes a sixth less on a CPU.
        y = F.pixel_unshuffle(base, self.unshuffle).contiguous(memory_format=torch.channels_last)
        skips = []
        for level, block in enumerate(self.down):
            y = block(y if level == 0 else self.before[level - 1](y))
            skips.append(y)
        skips.pop()
        for rise, block in zip(self.rise, self.up, strict=True):
            y = block(torch.cat([rise(y), skips.pop()], dim=1))
        out = enlarged(base, self.scale, self.out) + self.head(y)
        return out[..., : height * self.scale, : width * self.scale]
