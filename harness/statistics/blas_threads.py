"""One BLAS thread for products of small matrices, where more threads only wait."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


def one_blas_thread() -> AbstractContextManager[Any]:
    """Have BLAS compute in the calling thread: the same bits on every machine, and no busy waiting."""
    from threadpoolctl import threadpool_limits

    limit: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limit
