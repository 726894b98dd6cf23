"""How a variant of a method compares with it: pixels, scores, seams and costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from msgspec import structs
from noisebench.comparing.equivalence import VariantDifference, compare_variant
from noisebench.report.certificate import bound_text, certificate_row, statement
from noisebench.store.record import Record
from noisebench.text.errors import UsageError
from stored_cells import made, made_cost, with_cell

FLAT = np.full((8, 8, 1), 0.5, np.float32)


def called(one: Record, spec: str) -> Record:
    """The record as one of another method."""
    return with_cell(one, method=structs.replace(one.cell.method, spec=spec, display=spec))


def compared(
    spec: str,
    scores: Sequence[float],
    pictures: Sequence[Any] | None = None,
    cost: dict[str, Any] | None = None,
    plain_cost: dict[str, Any] | None = None,
) -> VariantDifference:
    """A variant compared with a method of scores 30, 31, 32 whose outputs are flat."""
    plain, variant = made("nlm", 30.0, 31.0, 32.0), called(made("nlm", *scores), spec)
    of_cost = made_cost("nlm", 8, 8)
    costs = [
        with_cell(of_cost, cost=structs.replace(of_cost.cell.cost, **(fields or {}))) for fields in (plain_cost, cost)
    ]
    given = list(pictures or [FLAT] * 3)
    return compare_variant(
        "form",
        [plain, costs[0]],
        [variant, called(costs[1], spec)],
        "psnr",
        lambda record, place: FLAT if record is plain else given[place],
    )


def test_scores_are_paired_and_the_worst_is_named() -> None:
    one = compared("variant(batch=1)", [30.0, 30.5, 32.2])
    assert one.pictures == 3 and one.change == pytest.approx(-0.1)
    assert one.worst is not None and one.worst.value == -0.5
    assert one.worst.at.startswith(made("nlm").items[1] + ", ")
    assert one.pixel is not None and one.pixel.value == 0


def test_two_exact_scores_are_equal() -> None:
    plain, variant = made("nlm", np.inf, 31.0), called(made("nlm", np.inf, 31.0), "variant(batch=1)")
    assert compare_variant("form", [plain], [variant], "psnr", lambda record, place: FLAT).change == 0


def test_the_largest_change_of_a_pixel_is_found() -> None:
    dented = FLAT.copy()
    dented[3, 4] -= 0.25
    one = compared("variant(batch=1)", [30.0, 31.0, 32.0], [FLAT, dented, FLAT])
    assert one.pixel is not None and one.pixel.value == 0.25 and one.seams is None


def test_a_step_at_the_seams_is_seen_in_the_difference() -> None:
    ramp = FLAT + np.linspace(0, 0.07, 8, dtype=np.float32)[:, None, None]
    stepped = ramp.copy()
    stepped[4:] += 0.1
    plain, variant = made("nlm", 30.0), called(made("nlm", 30.0), "tiled(method=nlm, overlap=0, size=4)")
    one = compare_variant("form", [plain], [variant], "psnr", lambda record, _: ramp if record is plain else stepped)
    assert one.seams is not None
    # Steps of 0.01 from row to row and 0.11 across the seam, of nothing from column to column.
    assert one.seams.plain == pytest.approx(1, rel=1e-3)
    assert one.seams.variant == pytest.approx(0.11**2 / 0.01**2, rel=1e-3)
    assert one.seams.difference is None or one.seams.difference > 1e6


def test_costs_are_ratios_a_picture() -> None:
    plain = {"latency_rel": 2.0, "peak_memory_bytes": 100, "weight_bytes": 40}
    one = compared(
        "variant(batch=4, of=nlm)",
        [30.0, 31.0, 32.0],
        cost={"latency_rel": 6.0, "peak_memory_bytes": 300, "weight_bytes": 10},
        plain_cost=plain,
    )
    assert (one.time, one.memory, one.size, one.weight_bytes) == (0.75, 3.0, 0.25, 10)
    there = compared("variant(device=cuda, of=nlm)", [30.0, 31.0, 32.0], cost=plain, plain_cost=plain)
    assert there.time == 1 and there.memory is None


def test_what_was_skipped_says_why() -> None:
    skipped = with_cell(called(made("nlm"), "variant(batch=1)"), outcome="skipped", reason="no CUDA device")
    one = compare_variant("cuda", [made("nlm")], [skipped], "psnr", lambda record, place: FLAT)
    assert one.pictures == 0 and statement(one, "psnr", "dB") == "not possible: no CUDA device"
    assert set(certificate_row(one)[1:]) == {"–"}


def test_a_plain_method_that_failed_is_refused() -> None:
    failed = with_cell(made("nlm"), outcome="failed", reason="ValueError")
    with pytest.raises(UsageError, match="nlm itself is failed"):
        compare_variant("again", [failed], [called(made("nlm"), "variant(batch=1)")], "psnr", lambda r, p: FLAT)


@pytest.mark.parametrize("value, text", [(0, "0"), (1.2e-6, "1.2e-06"), (1.21e-6, "1.3e-06"), (0.25, "0.25")])
def test_a_bound_is_rounded_up(value: float, text: str) -> None:
    assert bound_text(value) == text


def test_a_statement_has_its_bound() -> None:
    text = statement(compared("variant(batch=1)", [30.0, 30.5, 32.2]), "psnr", "dB")
    assert text.startswith("equal to the bit; psnr −0.1000 dB")
    assert "at worst −0.5000 (" in text and "3 pictures" in text
