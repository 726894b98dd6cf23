"""The folders where data and weights are looked for."""

from __future__ import annotations

import os
from pathlib import Path


def weight_roots() -> list[Path]:
    """Where weights are looked for, in order: `$NOISEBENCH_WEIGHTS` (`--weights` sets it), data, user's cache."""
    given = os.environ.get("NOISEBENCH_WEIGHTS", "")
    configured = [Path(given).expanduser().absolute()] if given else []
    *data, cache = data_roots()
    return [*configured, *(root / "weights" for root in data), cache.parent / "weights"]


def data_roots() -> list[Path]:
    """Where named sets are looked for, in order: `$NOISEBENCH_DATA` (`--data` sets it), the user's cache.

    For example:

        >>> import os
        >>> os.environ["NOISEBENCH_DATA"] = "/testsets"
        >>> nb.data_roots()[0].as_posix()
        '/testsets'
    """
    given = os.environ.get("NOISEBENCH_DATA", "")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "noisebench" / "data"
    return [*([Path(given).expanduser().absolute()] if given else []), cache]
