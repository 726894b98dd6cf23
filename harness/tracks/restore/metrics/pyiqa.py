from __future__ import annotations

from ..pairs import Pair
from ._pyiqa import iqa_metric, pyiqa_score


@iqa_metric("pyiqa", higher=True)
def pyiqa(pair: Pair, *, name: str) -> float:
    """Any metric of the package pyiqa, by its name there (quoted: `name='musiq-ava'`), in its convention.

    It sees the pictures as the protocol leaves them, on [0, 1] and clipped, float32; grey ones three times. So under
    `uint8` it scores what a file would hold. Metrics without a reference see the restored picture only.
    """
    return pyiqa_score(pair, name)
