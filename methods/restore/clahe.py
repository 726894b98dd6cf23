from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le


@nb.method(
    "clahe",
    layout="hwc",
    blind=True,
    enhances=True,
    cite="K. Zuiderveld, Contrast limited adaptive histogram equalization, Graphics Gems IV, 1994",
)
def clahe(
    noisy: Any,
    info: Any,
    *,
    limit: Annotated[float, Gt(0), Le(1000)] = 2.0,
    tiles: Annotated[int, Ge(1), Le(256)] = 8,
) -> Any:
    """CLAHE: contrast is equalised in tiles, and no level is stretched beyond a limit.

    OpenCV's, with a clip limit and tiles a side; 16 bits; of an RGB picture the lightness of Lab is equalised.
    """
    import cv2

    equaliser = cv2.createCLAHE(clipLimit=limit, tileGridSize=(tiles, tiles))

    def equalised(plane: Any) -> Any:
        levels = np.rint(np.clip(plane, 0, 1) * 65535).astype(np.uint16)
        return equaliser.apply(levels).astype(np.float32) / 65535

    if noisy.shape[2] == 1:
        return equalised(noisy[:, :, 0])[:, :, None]
    if noisy.shape[2] != 3:
        raise nb.Skip(f"clahe is for grey or RGB pictures, not {noisy.shape[2]} channels")
    lab = cv2.cvtColor(np.clip(noisy, 0, 1), cv2.COLOR_RGB2LAB)
    lab[:, :, 0] = 100 * equalised(lab[:, :, 0] / 100)
    return np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1)
