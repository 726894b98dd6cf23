"""What the datasets of labelled pictures share: the types of their parameters, and where their files lie."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import noisebench as nb
from annotated_types import Ge

Split = Literal["test", "train"]
Count = Annotated[int, Ge(1)]


def find_folder(name: str, file: str, homepage: str) -> Path:
    """The folder `name` of a data root that holds `file`. Raises `UsageError` that says where it was looked for."""
    places = [root / name for root in nb.data_roots()]
    for place in places:
        if (place / file).is_file():
            return place
    looked = " and ".join(nb.one_line(place, 150) for place in places)
    raise nb.UsageError(f"dataset {name} is not in {looked}: put {file} there (from {homepage}) or give --data DIR")


def check_values(values: bytes, sha256: str, name: str) -> None:
    """Raise `UsageError` where values are not those that are expected."""
    if hashlib.sha256(values).hexdigest() != sha256:
        raise nb.UsageError(f"{name} has other values than the published ones (SHA-256): get it again")
