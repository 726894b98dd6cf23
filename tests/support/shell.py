"""Commands as a person or a pipeline types them, in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from warm_python import warm_folder


def shell(command: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run lines of bash there, to the first that fails, with the programs of this environment; its python is warm."""
    # Under xdist the variables of the outer worker would make an inner pytest take itself for one.
    outer = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    path = os.pathsep.join([str(warm_folder()), str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**outer, "PATH": path, **more}
    return subprocess.run(["bash", "-ec", command], cwd=folder, capture_output=True, text=True, timeout=240, env=env)
