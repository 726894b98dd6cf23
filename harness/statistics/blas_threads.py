"""One BLAS thread for products of small matrices, where more threads only wait."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any


def one_blas_thread() -> AbstractContextManager[Any]:
    """Have BLAS compute in the calling thread: the same bits on every machine, and no busy waiting."""
    limit: AbstractContextManager[Any] = _libraries(len(sys.modules)).limit(limits=1, user_api="blas")
    return limit


@lru_cache(maxsize=1)
def _libraries(_modules: int) -> Any:
    """What is loaded of BLAS, looked up again where modules were imported: it takes 5 ms."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
