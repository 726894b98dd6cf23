"""Commands as a person or a pipeline types them, in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def shell(command: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run lines of bash there, with this environment's programs first on the path; stops at the first that fails."""
    # Under xdist the variables of the outer worker would make an inner pytest take itself for one.
    outer = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**outer, "PATH": path, **more}
    return subprocess.run(["bash", "-ec", command], cwd=folder, capture_output=True, text=True, timeout=240, env=env)
