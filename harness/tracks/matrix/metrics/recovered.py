"""Whether a matrix was recovered: what phase diagrams show."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt, Le

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Recovery
from .relative_error import relative_error


@metric("recovered", title="share recovered", track="matrix", higher=True, order=2, decimals=2)
def recovered(recovery: Recovery, *, within: Annotated[float, Gt(0), Le(1)] = 0.01) -> float:
    """1 where the relative error of the entries that count is at most `within`, else 0: its mean is a share."""
    error = relative_error(recovery)
    return error if isinstance(error, NotDefined) else float(error <= within)
