"""A certificate of equivalence: what deploying a method in another form changes, as a card in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..comparing.equivalence import VariantDifference
from ..store.record import Record, cost_size, dataset_text
from ..text.wording import counted
from .escape import markdown
from .tables import pipe_table

_HEAD = ("variant", "pixel ≤", "Δ {metric}", "worst", "time ×", "memory ×", "weights")
BOUND = (
    "Bounds hold for the pictures above, and bound no others. Pixels are on [0, 1]. Time, memory of a call and weights "
    "are ratios to the plain method, of float32, whole, in eager mode."
)


def certificate_head(metric: str) -> tuple[str, ...]:
    """The columns of `certificate_row`."""
    return tuple(column.format(metric=metric) for column in _HEAD)


def certificate_row(variant: VariantDifference) -> tuple[str, ...]:
    """A variant in a row of texts."""
    if not variant.pictures:
        return variant.name, *["–"] * (len(_HEAD) - 1)
    return (
        variant.name,
        bound_text(variant.pixel.value) if variant.pixel else "–",
        _signed(variant.change),
        _signed(variant.worst.value if variant.worst else None),
        _ratio(variant.time) + ("*" if variant.busy and variant.time else ""),
        _ratio(variant.memory),
        _bytes(variant.weight_bytes) + (f" (×{variant.size:.2f})" if variant.size is not None else ""),
    )


def statement(variant: VariantDifference, metric: str, unit: str) -> str:
    """What a variant changes, in a sentence with its bound; or why it is not possible."""
    if not variant.pictures:
        if variant.outcome == "skipped":
            return f"not possible: {variant.reason}"
        return f"{variant.outcome}: {variant.reason}"
    parts = []
    if variant.pixel is not None:
        same = not variant.pixel.value
        parts.append("equal to the bit" if same else f"differs by at most {bound_text(variant.pixel.value)}")
    if variant.change is not None and variant.worst is not None:
        worst = f", at worst {_signed(variant.worst.value)} ({variant.worst.at})" if variant.worst.value < 0 else ""
        parts.append(f"{metric} {_signed(variant.change)}{unit and f' {unit}'} on average{worst}")
    if variant.seams is not None:
        seams = variant.seams
        at_seams = f", of the difference {seams.difference:.1f}" if seams.difference is not None else ""
        parts.append(f"seam energy {seams.variant:.3f}, without tiles {seams.plain:.3f}{at_seams}")
    text = "; ".join(parts) + f"; {counted(variant.pictures, 'picture')}"
    return f"{text}. Elsewhere {variant.outcome}: {variant.reason}" if variant.reason else text


def certificate_markdown(plain: Sequence[Record], variants: Sequence[VariantDifference], metric: str) -> str:
    """The card of a method: what was compared, a table, and a statement a variant."""
    unit = plain[0].cell.metrics[metric].unit if plain[0].cell.metrics else ""
    rows = [tuple(map(markdown, certificate_row(variant))) for variant in variants]
    lines = [f"# Certificate of equivalence: {markdown(plain[0].cell.method.display)}", ""]
    lines += [f"- {markdown(line)}" for line in measured_on(plain)]
    lines += ["", *pipe_table(certificate_head(metric), (False, *[True] * (len(_HEAD) - 1)), rows), ""]
    lines += [f"- **{markdown(one.name)}**: {markdown(statement(one, metric, unit), 1000)}" for one in variants]
    lines += ["", BOUND + (" *: on a busy machine." if any(one.busy for one in variants) else ""), ""]
    return "\n".join(lines)


def measured_on(plain: Sequence[Record]) -> list[str]:
    """Pictures, protocol and machine of the plain method, a line each."""
    scores = [record.cell for record in plain if record.cell.kind == "score"]
    costs = [record.cell for record in plain if record.cell.kind == "cost"]
    where = dict.fromkeys(f"{dataset_text(cell)}, {cell.regime.display}, seed {cell.seed}" for cell in scores)
    environment = scores[0].environment
    torch = (environment.get("packages") or {}).get("torch")
    lines = [f"scores: {'; '.join(where)}; protocol {scores[0].protocol.display}"]
    if costs:
        size = "×".join(map(str, cost_size(costs[0])))
        threads = counted(int(costs[0].inputs.get("threads", 1)), "thread")
        lines.append(f"costs: a picture of {size}, {threads}, {environment.get('cpu')}")
    return [*lines, f"noisebench {environment.get('noisebench')}" + (f", torch {torch}" if torch else "")]


def bound_text(value: float) -> str:
    """A bound in two digits, rounded up, so that it stays one."""
    if value == 0:
        return "0"
    place = math.floor(math.log10(value)) - 1
    return f"{math.ceil(round(value / 10.0**place, 6)) * 10.0**place:.2g}"


def _signed(value: float | None) -> str:
    """A change in four decimals; what is less is 0."""
    text = "–" if value is None else f"{value:+.4f}".replace("-", "−")
    return "0.0000" if text.strip("+−") == "0.0000" else text


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _bytes(value: int | None) -> str:
    return "–" if value is None else f"{value / 1e6:.2f} MB"
