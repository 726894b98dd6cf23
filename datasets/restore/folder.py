from __future__ import annotations

from collections import Counter
from pathlib import Path

import noisebench as nb
from noisebench.datasets.restore._files import Files


@nb.dataset("folder", licence="the user's own", own_files=True)
def folder(*, path: str, pattern: str = "*", group: str | None = None) -> Files:
    """The pictures of a folder; pattern="**/*" takes subfolders too.

    group: a regular expression that finds in each name the scene, patient or video that it is of, such as
    "^[^/]+" for the first subfolder or "^[^_]+" for all before the first _; pictures of one group count as one.
    """
    files = nb.list_files(path, nb.PICTURE_SUFFIXES, pattern)
    stems = {name: name.removesuffix(Path(name).suffix) for name in files}
    times = Counter(stems.values())
    # A name keeps its ending only where two would be the same without.
    return Files(list(files.values()), [name if times[stem] > 1 else stem for name, stem in stems.items()], group=group)
