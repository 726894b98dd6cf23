"""The files that a program is given, and the picture that it gives back."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np


def hand_over(info: Any, folder: Path) -> dict[str, str]:
    """Write what is disclosed to `info.json`, arrays beside it; returns it as text by name of placeholder."""
    known: dict[str, Any] = {"seed": int(info.rng.integers(2**31))}
    values = {"seed": str(known["seed"])}
    for name, value in info.disclosed().items():
        if value is None:
            continue
        if isinstance(value, np.ndarray) and value.ndim:
            np.save(folder / f"{name}.npy", value, allow_pickle=False)
            known[name], values[name] = f"{name}.npy", str(folder / f"{name}.npy")
        elif isinstance(value, tuple):
            known[name] = [int(v) for v in value]
        else:
            known[name] = value if isinstance(value, str | int) else float(value)
            values[name] = value if isinstance(value, str) else _number(known[name])
    if "sigma" in values:
        # On this scale it was a short number: 25 is not to become 25.000000000000004.
        values["sigma255"] = f"{255 * known['sigma']:.10g}"
    (folder / "info.json").write_text(json.dumps(known, indent=1), encoding="utf-8")
    return values


def _number(value: float) -> str:
    short = f"{value:.10g}"
    return short if float(short) == value else repr(value)


def write(path: Path, picture: Any, bits: int) -> None:
    """float32 (H, W, C) as `.npy`, or clipped and rounded half to even as a PNG of 8 or 16 bits."""
    if path.suffix == ".npy":
        np.save(path, picture, allow_pickle=False)
        return
    import cv2

    top, kind = (255, np.uint8) if bits == 8 else (65535, np.uint16)
    whole = np.rint(np.clip(picture.astype(np.float64), 0, 1) * top).astype(kind)
    if not cv2.imwrite(str(path), whole[:, :, ::-1]):
        raise OSError(f"a picture of shape {picture.shape} cannot be written as PNG")


def output_of_program(folder: Path, name: str, suffixes: Collection[str], item: str) -> Path:
    """The one file of these suffixes that a program left, of the stem of `name`; messages call it `item`.

    Raises `Invalid` for none, and for two.
    """
    names = sorted(file.name for file in folder.iterdir() if file.suffix.lower() in suffixes)
    due = [one for one in names if Path(one).stem == Path(name).stem]
    if not due:
        listed = f"only {', '.join(names[:5])}" if names else f"no {item}"
        raise nb.Invalid(f"the program ended well, but {name} is not in its output folder: {listed}")
    if len(names) > 1:
        raise nb.Invalid(f"the program wrote {len(names)} {item}s where one was due: {', '.join(names[:5])}")
    return folder / due[0]


def collect(folder: Path, name: str) -> Any:
    """The restored picture that the program left, of the stem of `name`, float (H, W, C). Raises `Invalid`."""
    path = output_of_program(folder, name, nb.PICTURE_SUFFIXES, "picture")
    try:
        return unit(_read_npy(path) if path.suffix == ".npy" else nb.read_picture(path))
    except nb.UsageError as error:
        raise nb.Invalid(
            f"the program's output cannot be read: {str(error).replace(f'{folder}{os.sep}', '')}"
        ) from None


def _read_npy(path: Path) -> Any:
    """An array of numbers (H, W[, C]). No pickle is ever loaded. Values are not looked at: the caller does."""
    try:
        with path.open("rb") as file:
            picture = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # a damaged header raises whatever the parser of its text raises
        why = "holds Python objects, not numbers" if "allow_pickle" in str(error) else "is damaged, or not a .npy"
        raise nb.Invalid(f"the program's output {path.name} {why}: save a float32 array") from None
    if picture.dtype.kind != "f" and picture.dtype.name not in ("uint8", "uint16"):
        raise nb.Invalid(f"the program's output has dtype {picture.dtype} where float32 on [0, 1] was due")
    if picture.ndim not in (2, 3):
        raise nb.Invalid(f"the program's output has shape {picture.shape} where (H, W, C) was due")
    return picture


def unit(picture: Any) -> Any:
    """uint8, uint16 or float (H, W[, C]) → float32 (H, W, C), whole numbers divided by their largest."""
    top = {"uint8": 255.0, "uint16": 65535.0}.get(picture.dtype.name, 1.0)
    scaled = (picture / top).astype(np.float32)
    return scaled if scaled.ndim == 3 else scaled[:, :, None]
