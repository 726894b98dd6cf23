"""Whether a sandbox can be made here, for the tests that need one."""

from __future__ import annotations

import pytest
from noisebench.engine.sandbox import need_bubblewrap
from noisebench.text.errors import UsageError


def why_no_sandbox() -> str:
    """Why there is no sandbox here, or an empty text."""
    try:
        need_bubblewrap()
    except UsageError as error:
        return str(error)
    return ""


needs_bubblewrap = pytest.mark.skipif(bool(why := why_no_sandbox()), reason=why)
