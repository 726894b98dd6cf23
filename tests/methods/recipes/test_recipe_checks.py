"""Parameters of a recipe's components that do not fit together are refused where a spec is bound."""

from __future__ import annotations

import pytest
from noisebench.components.registry import bind
from noisebench.text.errors import UsageError


@pytest.mark.parametrize(
    ("kind", "spec", "said"),
    [
        ("arch", "class_mask_unet(size=30, hop=20)", "hop=20 .*size=30: give hop=15 or less"),
        ("arch", "eanet(blocks=())", r"blocks=.*such as \(2, 1, 1\)"),
        ("arch", "mar(width=10, heads=4)", "width=10 is no multiple of heads=4: give width=8, or other heads"),
        ("arch", "mar(width=3, heads=4)", "give width=4, or other heads"),
        ("arch", "mask_unet(size=30, hop=20)", "give hop=15 or less"),
        ("arch", "mlp(hidden=(8, 0))", r"hidden must be a list of whole numbers from 1 to 65536, not \(8, 0\)"),
        ("arch", "nafnet(blocks=())", r"blocks=.*such as \(1, 1, 2\)"),
        ("arch", "sgmse(size=30, hop=20)", "give hop=15 or less"),
        ("arch", "sgmse(least=1, most=1)", "give most above least=1, not 1"),
        ("arch", "signaltrain(size=16, hop=9)", "give hop=8 or less"),
        ("arch", "signaltrain(last=26)", "and last from .* to frames"),
        ("arch", "signaltrain(size=64, hop=8, last=9)", "last from 10 to frames"),
        ("arch", "vit(dim=100, heads=3)", "dim=100 is no multiple of heads=3: give dim=99, or other heads"),
        ("objective", "ar_dae(least=0.5, most=0.1)", "least=0.5 is above most=0.1: give less for least"),
        ("objective", "bimodal(contrastive=0, consistency=0, unsupervised=0)", "leave no loss"),
        ("objective", "denoising_score(least=2, most=1)", "least=2 is above most=1: give less for least"),
        ("objective", "edm(least=3, most=2)", "least=3 is above most=2: give less for least"),
        ("objective", "inversion(least=0.5, most=0.5)", "least=0.5 is not below most=0.5"),
        ("objective", "likelihood(least=2, most=1)", "least=2 is above most=1"),
        ("objective", "meco(least=2, most=1)", "least=2 is above most=1"),
        ("objective", "nce(least=2, most=1)", "least=2 is above most=1"),
        ("objective", "noise2recon(least=50, most=20)", "least=50 is above most=20"),
        ("objective", "noise2recon(labelled=0, weight=0)", "leave no loss"),
        ("objective", "sliced_score(least=2, most=1)", "least=2 is above most=1"),
        ("objective", "v_between(least=3, most=2)", "least=3 is above most=2"),
        ("objective", "zeroth_order(most=0.4)", "least=0.5 is not below most=0.4"),
        ("optimizer", "sgd(momentum=0, nesterov=true)", "nesterov=true needs momentum: give momentum=0.9"),
        ("part", "batch_hessian(batches=())", r"batches=.*such as \(2, 4, 8\)"),
        ("part", "consistency_distillation(teacher=trained)", r"the teacher is trained\(arch=conditional_diffusion"),
        ("part", "hawq_v2(bits=(4, 8), budget=3)", r"none of bits=\(4, 8\) is within budget=3"),
        ("part", "hawq_v2(bits=())", r"none of bits=\(\) is within budget=4"),
        ("part", "hawq_v2(budget=2.5, allocation=uniform)", "budget=2.5 is no whole number"),
        ("part", "kspace_noise(least=50, most=20)", "least=50 is above most=20"),
        ("part", "nm(n=4, m=4)", "n=4 of m=4 leaves nothing out"),
    ],
)
def test_parameters_that_do_not_fit_together_are_refused_in_planning(kind: str, spec: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"^{kind} '?{spec.partition('(')[0]}'?: .*{said}"):
        bind(spec, kind)


@pytest.mark.parametrize("part", ["consistency_teacher", "progressive_teacher"])
def test_a_teacher_of_another_objective_is_refused_before_it_is_trained(part: str) -> None:
    with pytest.raises(UsageError, match=rf"^part {part}: the teacher is trained\(objective=denoise, …\)"):
        bind(f"{part}(teacher=trained(objective=v))", "part", "generate")
    bind(f"{part}(teacher=trained)", "part", "generate")


@pytest.mark.parametrize("steps", ["begin=12, end=5", "begin=4, end=4", "begin=12"])
def test_rounds_that_do_not_halve_the_steps_are_refused(steps: str) -> None:
    with pytest.raises(UsageError, match="doubled once or more: give begin=16, end=1"):
        bind(f"progressive_teacher(teacher=trained, {steps})", "part", "generate")


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("arch", "mlp(hidden=())"),
        ("arch", "sgmse(size=16, hop=8)"),
        ("arch", "vit(dim=99, heads=3)"),
        ("objective", "noise2recon(weight=0)"),
        ("objective", "v_between(least=10000, most=10000)"),
        ("optimizer", "sgd(nesterov=true)"),
        ("optimizer", "sgd(momentum=0)"),
        ("part", "hawq_v2(budget=2.5, allocation=error)"),
        ("part", "nm(n=3, m=4)"),
        ("part", "consistency_distillation(teacher=trained(arch=conditional_diffusion))"),
    ],
)
def test_parameters_at_the_edge_are_bound(kind: str, spec: str) -> None:
    assert bind(spec, kind).entry.name == spec.partition("(")[0]
