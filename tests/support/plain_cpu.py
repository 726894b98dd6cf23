"""A plain processor: the environment in which numpy, OpenBLAS, MKL, oneDNN and torch do without AVX and FMA.

`python tests/support/plain_cpu.py COMMAND …` runs a command in it.
"""

from __future__ import annotations

import os
import sys


def plain_cpu() -> dict[str, str]:
    """This environment, with the features turned off that the installed numpy would choose by processor."""
    import numpy as np

    simd = np.show_config(mode="dicts")["SIMD Extensions"]  # type: ignore[index]
    # Those that are off already are not among the found ones.
    features = [*os.environ.get("NPY_DISABLE_CPU_FEATURES", "").split(), *simd.get("found", [])]
    return {
        **os.environ,
        "NPY_DISABLE_CPU_FEATURES": " ".join(features),
        "OPENBLAS_CORETYPE": "Nehalem",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
    }


if __name__ == "__main__":
    os.execvpe(sys.argv[1], sys.argv[1:], plain_cpu())
