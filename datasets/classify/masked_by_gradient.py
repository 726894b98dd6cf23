from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.datasets.classify._arrays import LabelledArrays, labelled_arrays
from noisebench.datasets.classify._learned_classifier import learned_classifier
from noisebench.tracks.classify import LabelledPicture

By = Literal["logits", "loss"]
_TOGETHER = 100
"""Pictures whose gradients are taken at once."""


class MaskedByGradient:
    """Another set's pictures, with the labels that they have there."""

    def __init__(self, of: nb.Dataset, data: LabelledArrays, kept: np.ndarray[Any, Any], fill: float) -> None:
        self._of, self._data, self._kept, self._fill = of, data, kept, fill
        self.ids: Sequence[str] = of.ids

    def made(self, index: int) -> str:
        """What picture `index` is made from: two that have nothing left are still of two pictures."""
        mask = nb.pixel_sha256(self._kept[index].transpose(1, 2, 0).astype(np.uint8))
        return f"masked_by_gradient|{self._fill!r}|{mask}|{self._data.lines[index]}"

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, float32, of its shape."""
        item: LabelledPicture = self._of.load(index)
        masked = np.where(self._kept[index], self._data.pictures[index], np.float32(self._fill))
        return replace(item, picture=masked.transpose(1, 2, 0).reshape(np.asarray(item.picture).shape))


def ranked(sizes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The places of the values in each row of (N, D), the largest first, of equal ones the first first."""
    order = np.argsort(-sizes, axis=1, kind="stable")
    return order.astype(np.uint16 if order.shape[1] <= 1 << 16 else np.uint32)


def kept_of(order: np.ndarray[Any, Any], share: float, last: bool) -> np.ndarray[Any, Any]:
    """Which values of each row are among its `share` of first ones, or of last ones; (N, D)."""
    count = max(1, round(share * order.shape[1]))
    kept = np.zeros(order.shape, bool)
    np.put_along_axis(kept, (order[:, -count:] if last else order[:, :count]).astype(np.int64), True, axis=1)
    return kept


def gradient_sizes(net: Any, pictures: Any, labels: Any, by: By) -> np.ndarray[Any, Any]:
    """How much what a network says hangs on each value, float64 (N, D), up to a factor a picture.

    `loss`: |d log odds of the label / dx|. The gradient of cross-entropy is 1 - p times that, which is 0 in numbers
    where a network is sure. `logits`: the root of the summed squares of d z / dx, of all logits z less their mean.
    """
    import torch
    from noisebench.recipes.objectives._attack import log_odds

    sizes = []
    for start in range(0, len(pictures), _TOGETHER):
        x = pictures[start : start + _TOGETHER].clone().requires_grad_()
        with torch.enable_grad():
            logits = net(x).double()
            if by == "loss":
                outputs = log_odds(logits, labels[start : start + _TOGETHER])[:, None]
            else:
                outputs = logits - logits.mean(dim=1, keepdim=True)
        each = [torch.autograd.grad(one.sum(), x, retain_graph=True)[0].double() for one in outputs.unbind(dim=1)]
        sizes.append(torch.stack(each).square().sum(dim=0).sqrt().flatten(1).numpy())
    return np.concatenate(sizes)


@nb.dataset(
    "masked_by_gradient",
    track="classify",
    licence="that of the other set",
    citation="H. Shah, P. Jain, P. Netrapalli, Do input gradients highlight discriminative features?, NeurIPS 2021",
)
def masked_by_gradient(
    *,
    of: nb.DatasetSpec,
    model: nb.MethodSpec,
    keep: Literal["top", "bottom", "random"] = "top",
    share: Annotated[float, Gt(0), Le(1)] = 0.3,
    by: By = "logits",
    fill: Annotated[float, Ge(0), Le(1)] = 0.0,
    seed: Annotated[int, Ge(0)] | None = None,
) -> MaskedByGradient:
    """Another set of whose pictures a share of values stays: those a classifier is most, or least, sensitive to.

    model: `trained(…)`, which is trained here, once, as a run would, or any other that torch can differentiate. keep:
    the `share` of values of each picture with the largest gradient, the `bottom` with the smallest, or a `random` one;
    all others are `fill`. Of a coloured picture each channel counts by itself. by: `loss` is the gradient of the
    label's loss, as Shah et al. have it, which may give the label away: where a network is sensitive at other places
    for each class, a mask tells which. `logits` is that of all logits together, and is not told the label. seed: of a
    model that says none, and of `random`; none is that of the training that the set is for, and 0 for a test. A network
    that is trained on one such set is tested on another with the same model, seed, keep, share, by and fill: accuracy
    by `top` less that by `bottom` is DiffROAR.
    """
    data, seed = labelled_arrays(of), seed or 0
    shape, values = data.pictures.shape, int(np.prod(data.pictures.shape[1:]))
    if keep == "random":
        keys = [nb.text_key(f"masked_by_gradient|{seed}|{line}") for line in data.lines]
        order = ranked(np.stack([nb.keyed_generator(key).random(values) for key in keys]))
    else:
        learned = learned_classifier(model, seed, of, data, "dataset masked_by_gradient")

        def make(say: Callable[[int, int], None]) -> dict[str, Any]:
            import torch
            from noisebench.recipes.parts._example_scores import one_thread

            pictures, labels = torch.from_numpy(data.pictures), torch.from_numpy(data.labels)
            with one_thread():
                return {"order": ranked(gradient_sizes(learned.net, pictures, labels, by))}

        order = nb.made_once("ranked", [f"ranked 1 {by}", *learned.lines, "of", *data.lines], make)["order"]
    kept = kept_of(order, share, keep == "bottom").reshape(shape)
    return MaskedByGradient(nb.open_dataset(of), data, kept, fill)
