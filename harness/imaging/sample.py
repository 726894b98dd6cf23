"""One picture as an item: the clean one, and its own noisy one where there is such."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..text.short_text import short
from .pixels import Array


@dataclass(frozen=True)
class Sample:
    """One picture: `clean` uint8, uint16 or float32 [0, 1], (H, W) or (H, W, C); `noisy` likewise where real.

    `noisy` may be smaller than `clean` by a whole factor, for super-resolution.
    `meta` may hold what only the oracle and `bayes_optimum` see, such as the true spectrum of a synthetic set.
    Pictures of one `group` (a scene, patient, video) count as one in every test.

        >>> nb.Sample("scan_1", np.zeros((8, 8), np.uint8), group="patient_1").group
        'patient_1'
    """

    id: str
    clean: Array
    noisy: Array | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""

    def __repr__(self) -> str:
        optional = {"noisy": self.noisy, "group": self.group or None}
        more = "".join(f", {name}={short(value)}" for name, value in optional.items() if value is not None)
        return f"Sample({short(self.id)}, clean={short(self.clean)}{more})"
