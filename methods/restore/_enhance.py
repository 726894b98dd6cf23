"""Published networks for photographs in low light: SCI and Zero-DCE. They make a picture brighter, not cleaner.

Their data has no reference pictures, so what can be said is how they agree with their authors' own output, and what
metrics without a reference (`brightness`, `entropy`, `lightness_order`) find.
"""

from __future__ import annotations

from pathlib import Path

import noisebench as nb

WEIGHTS = nb.read_weight_table(Path(__file__).with_name("weights.csv"))
