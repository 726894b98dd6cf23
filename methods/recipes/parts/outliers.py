from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
import torch
from annotated_types import Ge, Gt, Le
from noisebench.recipes.archs._energy import energy_in

_AT_ONCE = 256


@nb.part("outliers")
class Outliers:
    """Outliers: how well an energy tells test pictures of its own set from those of another; it only looks.

    of, others: two sets of batches with pictures of one shape, such as `fashion_mnist` and `mnist`; the first `most`
    reference pictures of each get keyed noise of `level`, and the lower its density, the likelier a picture is an
    outlier. At the end, of the network as the parts before this one leave it. Figures: `auroc`, the probability that a
    picture of the other set has the lower density (0.5 is chance); `fpr95`, the share of the own set that is taken for
    outliers where 95 % of the others are; `base_auroc`, that of the normal law of its base alone.
    """

    def __init__(
        self,
        *,
        of: Annotated[Any, nb.Nested("dataset", "generate")],
        others: Annotated[Any, nb.Nested("dataset", "generate")],
        level: Annotated[float, Gt(0), Le(1e6)] = 0.3,
        most: Annotated[int, Ge(2)] = 1000,
    ) -> None:
        self.of, self.others, self.level, self.most = of, others, level, most
        self.measurements: dict[str, float] = {}

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Raise `UsageError` in the first step for what `finish` could not score."""
        if step == 0:
            for one in (self.of, self.others):
                _reference(energy_in(net, "part outliers"), one)

    def finish(self, net: Any) -> None:
        """Score both sets. Raises `UsageError` for a network that is no energy, and for sets of other pictures."""
        from sklearn.metrics import roc_auc_score, roc_curve

        energy = energy_in(net, "part outliers").eval()
        inside, outside = (self._densities(energy, one) for one in (self.of, self.others))
        is_other = np.repeat([0, 1], [len(inside), len(outside)])
        score = -np.concatenate([inside, outside])
        false, true, _ = roc_curve(is_other, score[:, 0])
        self.measurements = {
            "auroc": float(roc_auc_score(is_other, score[:, 0])),
            "fpr95": float(false[np.argmax(true >= 0.95)]),
            "base_auroc": float(roc_auc_score(is_other, score[:, 1])),
        }

    def figures(self) -> dict[str, float]:
        """The three."""
        return self.measurements

    @torch.no_grad()
    def _densities(self, energy: Any, of: nb.Bound) -> Any:
        """Log densities of noisy pictures of a set, (N, 2): of the energy, and of its base."""
        reference = _reference(energy, of)
        pictures = reference.pictures[: self.most]
        rng = nb.keyed_generator(nb.text_key(f"outliers|{reference.sha256}"))
        x = torch.from_numpy(pictures + self.level * rng.standard_normal(pictures.shape).astype(np.float32))
        densities = []
        for start in range(0, len(x), _AT_ONCE):
            part = x[start : start + _AT_ONCE].to(next(energy.buffers()).device)
            sigma = torch.full((len(part), 1, 1, 1), self.level, device=part.device)
            densities.append(
                torch.stack([energy.log_density(part, sigma), energy.base.log_density(part, sigma)], dim=1)
            )
        return torch.cat(densities).double().cpu().numpy()


def _reference(energy: Any, of: nb.Bound) -> Any:
    """The reference of a set. Raises `UsageError` where it has none of the pictures that the energy is of."""
    reference = getattr(nb.open_dataset(of).load(0), "reference", None)
    shape = energy.base.shape
    if reference is None or reference.pictures.shape[1:] != shape:
        raise nb.UsageError(f"part outliers: {of.display} has no reference pictures of {shape} to be scored")
    return reference
