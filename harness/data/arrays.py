"""Arrays that others wrote, as `.npy`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..text.errors import UsageError


def read_numbers(file: Path) -> npt.NDArray[Any]:
    """The numbers of a `.npy`. Raises `UsageError` for any other file, or one that is cut short.

    Nothing is unpickled.
    """
    try:
        values = np.load(file, allow_pickle=False)
    except Exception:  # a damaged header raises whatever the parser of its text raises, a wrong one MemoryError
        values = None
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
        raise UsageError("it is no .npy of real numbers, or a damaged one: write it by numpy.save")
    return values
