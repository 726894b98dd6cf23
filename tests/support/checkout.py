"""The checkout that the tests are of, and where the test sets lie."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("NOISEBENCH_DATA", ROOT.parent / "shared" / "data"))
GOLDEN = ROOT / "tests" / "golden"
SUPPORT = ROOT / "tests" / "support"
