"""Keys of rule files that were written before there were tracks: read for ever."""

from __future__ import annotations

from collections.abc import Mapping

OLD_RULE_KEYS: Mapping[str, str] = {"max_drop_picture": "max_drop_item", "min_above_identity": "min_above_baseline"}
