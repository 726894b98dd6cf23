"""Boards made by hand that several files of tests report."""

from __future__ import annotations

import math

import cv2
import numpy as np
from board_records import cost_record, panel_of, record
from noisebench.store.record import Panel, Record

HOSTILE = '=<script>alert("x")</script>_&%$#{}~^\\ \n`|*[a](b) ünï 中'


def small_board() -> list[Record]:
    base = np.array([30.0, 28.5, 31.25, 26.0, 29.0, 33.0, 27.5, 30.5, 32.0, 25.5, 34.0, 26.75])
    wobble = np.array([0.1, -0.2, 0.15, 0.05, -0.1, 0.2, -0.15, 0.0, 0.25, -0.25, 0.3, -0.3])
    undefined = ["", "", "ssim: a picture smaller than 11"] + [""] * 9
    return [
        record("identity", {"psnr": base - 9 + 3 * wobble, "ssim": base / 60}),
        record("nlm", {"psnr": base + wobble, "ssim": base / 40}),
        record("nlm", {"psnr": base + 2 * wobble, "ssim": base / 39}, display="nlm(h=0.8)"),
        record("median", {"psnr": base - 3 - wobble, "ssim": np.where(base == 31.25, math.nan, base / 50)},
               row_notes=undefined, flags={"blind": True}),
        record("blur", {"psnr": base - 12 + 5 * wobble, "ssim": base / 70}),
        record("oracle", {"psnr": [math.inf] * 12, "ssim": [1.0] * 12}, flags={"oracle": True}),
        record("net", {"psnr": [31.0, 30.0]}, pictures=12, outcome="failed", reason="RuntimeError: no luck",
               traceback="Traceback (most recent call last):\n  …\nRuntimeError: no luck\n"),
        record("bm3d", {}, pictures=12, outcome="skipped", reason="needs the package bm3d: pip install bm3d"),
        cost_record("identity", p50=0.02, peak=100),
        cost_record("nlm", p50=150.0, peak=70 * 2**20, params=None, reasons={"params": "not a network"}),
        cost_record("median", outcome="timeout", reason="over 600 s"),
    ]  # fmt: skip


def png(seed: int, size: int = 24) -> bytes:
    picture = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".png", picture)[1].tobytes())


def full_board() -> list[Record]:
    """Two levels, costs, crops and a hostile name everywhere a name can stand."""
    rng = np.random.default_rng(5)
    records = []
    for sigma in (15, 50):
        for i, name in enumerate(("identity", "nlm", HOSTILE)):
            records.append(
                record(name, {"psnr": rng.normal(30 + i, 1, 7), "ssim": rng.uniform(0, 1, 7)}, dataset=HOSTILE,
                       regime=f"gaussian(sigma={sigma})", items=[f"{HOSTILE}{k}" for k in range(7)],
                       notes=[HOSTILE], environment={"noisebench": "0.1.0", "cpu": HOSTILE},
                       panel=panel_of(f"{HOSTILE}0", png(0), png(sigma), png(sigma + i)))
            )  # fmt: skip
        records.append(
            record("bad", {}, display=f"bad{HOSTILE}", dataset=HOSTILE, regime=f"gaussian(sigma={sigma})", pictures=7,
                   outcome="failed", reason=HOSTILE, traceback=HOSTILE)
        )  # fmt: skip
    return [*records, *(cost_record(n, p50=3.0 + i, reasons={"macs": HOSTILE}) for i, n in enumerate(("nlm", HOSTILE)))]


def fits_board() -> list[Record]:
    """Three methods of another track on two levels, each with a drawing of one fit."""
    rmse = np.array([0.2, 0.31, 0.12, 0.25, 0.4, 0.33, 0.27])
    return [
        record(name, {"rmse": rmse * (1 + i) * level, "sup_norm": 3 * rmse * (1 + i) + level}, track="functions",
               dataset="bumps", regime=f"gaussian(sigma={level})", protocol="held_out", rank_by="rmse",
               items=[f"f{k}" for k in range(7)], panel=Panel("f0", {"fit": png(i)}))
        for level in (0.05, 0.2) for i, name in enumerate(("spline", "knn", "mean"))
    ]  # fmt: skip
