from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from noisebench.methods.restore._wrapping import refuse_unwrappable, wrapped


@nb.method("pixel_shuffle", layout="hwc", cite="Y. Zhou et al., AAAI 2020; W. Lee et al., AP-BSN, CVPR 2022")
class PixelShuffle:
    """Call `method` on each of the pictures that every s-th pixel gives, in which correlated noise is nearly white.

    stride: s; 1 is the method itself. AP-BSN is `pixel_shuffle(method=trained(arch=dbsn,
    objective=blind_spot(stride=5), …), stride=2)`. refined: so many times a share of the pixels of the result, each
    drawn by itself, is replaced by those of the input, and the method is called on it as a whole; the mean is what is
    given, without the chequers that a stride leaves. AP-BSN has 8, of a share of 0.16. Skips where the regime blurs or
    makes smaller, for every s-th pixel is another picture then.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        stride: Annotated[int, Ge(1), Le(64)] = 2,
        refined: Annotated[int, Ge(0), Le(1000)] = 0,
        share: Annotated[float, Gt(0), Lt(1)] = 0.16,
    ) -> None:
        self.inner = wrapped("pixel_shuffle", method)
        self.stride, self.refined, self.share = stride, refined, share

    @staticmethod
    def weight_files(method: Any, stride: int, refined: int, share: float) -> dict[str, str]:
        """Nothing of its own. Raises `UsageError` for a method that cannot be wrapped."""
        refuse_unwrappable("pixel_shuffle", method)
        return {}

    def setup(self, device: Any) -> None:
        """Set up the method within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same."""
        if info.scale or info.kernel is not None:
            raise nb.Skip("pixel_shuffle takes noise alone: this regime blurs or makes smaller")
        once = self._of_parts(noisy, info)
        if not self.refined:
            return once
        total = np.zeros(noisy.shape)
        for number in range(self.refined):
            stream_info = info.stream(self.stride**2 + number)
            back = stream_info.rng.random(noisy.shape[:2]) < self.share
            total += self.inner.restore(np.where(back[:, :, None], noisy, once), stream_info)
        return (total / self.refined).astype(np.float32)

    def _of_parts(self, noisy: Any, info: Any) -> Any:
        if self.stride == 1:
            return self.inner.restore(noisy, info)
        restored = np.empty_like(noisy)
        # Of a side shorter than the stride some pictures have nothing.
        firsts = np.ndindex(*(min(self.stride, side) for side in noisy.shape[:2]))
        for number, (row, column) in enumerate(firsts):
            at = np.s_[row :: self.stride, column :: self.stride]
            part = np.ascontiguousarray(noisy[at])
            mask = None if info.mask is None else np.ascontiguousarray(np.asarray(info.mask)[at])
            part_info = info.stream(number).replace(shape=part.shape[:2], mask=mask)
            restored[at] = self.inner.restore(part, part_info)
        return restored
