from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le


@nb.part("crop_and_flip")
class CropAndFlip:
    """Crop and flip: each picture of a batch is shifted by up to so many pixels, and mirrored half of the time.

    The usual augmentation of small pictures: `shift` pixels of black are put around each, and a window of the former
    size is taken at a random place. flip: mirrors left and right, which digits and letters do not bear. Labels stay, so
    it is for classifiers; validation pictures are as they are.
    """

    def __init__(self, *, shift: Annotated[int, Ge(0), Le(1000)] = 2, flip: bool = True) -> None:
        self.shift, self.flip = shift, flip

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The batch with other pictures. Raises `UsageError` where what is wanted are no labels."""
        if batch["wanted"].ndim != 1:
            raise nb.UsageError("part crop_and_flip is for classifiers, whose labels stay: leave it out")
        return {**batch, "given": shifted(batch["given"], self.shift, self.flip)}


def shifted(pictures: Any, shift: int, flip: bool) -> Any:
    """Pictures (N, C, H, W), each at a place of its own, black where nothing was, and half of them mirrored."""
    count, _, height, width = pictures.shape
    padded = F.pad(pictures, (shift,) * 4)
    down, across = torch.randint(0, 2 * shift + 1, (2, count, 1), device=pictures.device)
    rows = down + torch.arange(height, device=pictures.device)
    columns = across + torch.arange(width, device=pictures.device)
    if flip:
        mirrored = torch.rand(count, 1, device=pictures.device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    place = torch.arange(count, device=pictures.device)[:, None, None]
    return padded.transpose(0, 1)[:, place, rows[:, :, None], columns[:, None, :]].transpose(0, 1).contiguous()
