"""The parameters that methods which follow a path have in common."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Gt, Le

Penalty = Annotated[float, Ge(0), Le(1e6)]
Rate = Annotated[float, Gt(0), Le(1)]
Steps = Annotated[int, Ge(1), Le(10_000_000)]
Threshold = Annotated[float, Ge(0), Le(1e6)]
