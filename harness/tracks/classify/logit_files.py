"""Logits as files, with what lies behind them; pictures that explain them, and what was misclassified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...components.registry import Bound
from ...store.record import Mistake
from ...text.errors import one_line
from ...track.lazy_part import LazyPart
from ...track.outputs import ArrayFiles
from ...track.posed_case import Case

if TYPE_CHECKING:
    from .labelled_picture import LabelledPicture

LONGEST = 80
"""Letters of the name of a class that are kept of a mistake."""


def _logits(output: Any, classes: int) -> Any:
    """Those of an output as `LogitFiles` has it."""
    return output[:, 0] if output.ndim == 2 else output[:classes]


class LogitFiles(ArrayFiles):
    """Logits (K,), with a certified radius (K + 1,), or with maps as `packed` has them, as `.npy`."""

    panel = LazyPart("drawing.draw_explanation")

    def due(self, output: Any, wanted: tuple[int, ...] | None) -> tuple[int, ...] | None:
        """`wanted` (K,), or (K + 1,) or (K, 1 + n) where that is there."""
        shape: tuple[int, ...] = getattr(output, "shape", ())
        if wanted is None:
            return None
        with_maps = len(shape) == 2 and shape[0] == wanted[0] and shape[1] > 1
        return shape if shape == (wanted[0] + 1,) or with_maps else wanted

    def mistake(
        self, item: LabelledPicture, case: Case, output: Any, protocol: Bound, *, pictured: bool
    ) -> Mistake | None:
        """The true class, and the likeliest with its probability; None where these are one, or there is no true one."""
        import numpy as np

        from .drawing import small_picture
        from .labelled_picture import NO_CLASS

        log_p = protocol.entry.obj(_logits(output, len(item.classes)), **protocol.kwargs)
        place = int(np.argmax(log_p))
        if item.label in (place, NO_CLASS):
            return None
        truth, answer = (one_line(item.classes[label], LONGEST) for label in (item.label, place))
        likely = float(np.exp(log_p[place]))
        picture = small_picture(case.given) if pictured else None
        return Mistake(item.id, truth, answer, likely if 0 <= likely <= 1 else None, picture)
