from __future__ import annotations

from typing import Any

import noisebench as nb


@nb.method("identity", track="generate", role="sanity", blind=True)
def identity(latents: Any, info: Any) -> Any:
    """The latents themselves, (N, C, H, W): what every sampler must beat."""
    return latents
