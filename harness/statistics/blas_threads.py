"""How many threads the products of matrices take: one, where they are so small that others only wait."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


def one_blas_thread() -> AbstractContextManager[Any]:
    """Have BLAS compute in the thread that asks: the same bits on every machine, and no processor kept busy waiting."""
    from threadpoolctl import threadpool_limits

    limit: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limit
