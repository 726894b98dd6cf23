"""What a class says of its parameters is said before anything is trained for it, not after."""

from __future__ import annotations

import pytest
from noisebench.planning.plan import plan
from noisebench.suite.suite import Suite
from noisebench.text.errors import UsageError

MODEL = "trained(arch=diffusion_unet(width=4, depth=1), steps=5, checks=1, batch=4, validation=4{})"


def cells(method: str) -> list[str]:
    suite = Suite(
        suite="s",
        track="generate",
        methods=(method,),
        datasets=("digits(n=1, count=4, reference=16)",),
        regimes=("none",),
        metrics=("nfe",),
    )
    return [cell.kind for cell in plan(suite)]


def test_a_sampler_that_can_be_made_is_planned_after_its_training() -> None:
    assert cells(f"euler(model={MODEL.format('')}, steps=3)") == ["train", "score"]


@pytest.mark.parametrize(
    ("method", "parts", "said"),
    [
        ("euler(model=M, least=80, most=1)", "", "^method 'euler': least=80 is not below most=1: give less"),
        ("euler(model=euler(model=M))", "", "^method euler: .* is no model: its class has no denoised"),
        ("moved_noise(of=euler(model=M))", "", "^moved_noise: .* moves no noise: name golden_noise"),
        ("one_more_step(base=identity, first=M)", "", "^method one_more_step: .*base=heun"),
        ("euler(model=M)", ", parts=hawq_v2(bits=())", "^part hawq_v2: none of bits"),
        ("euler(model=M)", ", parts=(ema, nm, nm)", "^parts: nm is given twice, .*: give it once"),
    ],
)
def test_what_cannot_be_made_is_refused_before_its_training(method: str, parts: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        cells(method.replace("M", MODEL.format(parts), 1))
