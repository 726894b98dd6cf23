"""Parameters of methods that do not fit together are refused before anything runs, in one line that says what to do."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind

NET = "trained(arch=diffusion_unet(classes={}))"
EXACT = "exact(of=gaussian_digits)"


@pytest.mark.parametrize(
    ("track", "spec", "said"),
    [
        ("classify", "occlusion(method=svm, side=4, stride=5)", "^occlusion: stride=5 leaves pixels between squares"),
        ("classify", "after_step(method=svm)", "^(method ')?after_step'?: method=svm gives no maps"),
        ("classify", "randomized(method=svm)", "^(method ')?randomized'?: method=svm gives no maps"),
        ("classify", "eps_ad(kernel=deep)", "^(method ')?eps_ad'?: kernel=deep is learned from attacks="),
        ("classify", "one_score(t=5, attacks=digits)", "^(method ')?one_score'?: kernel=deep is learned from attacks="),
        ("classify", "logistic_regression(c=1e30)", "c must be a number above 0, up to 1000000, not"),
        (
            "generate",
            f"diffusers_sampler(model={EXACT}, scheduler=pndm, steps=3)",
            "scheduler=pndm .*give steps=4, not 3",
        ),
        (
            "generate",
            "golden_noise(sampler=identity, preference=svm, pairs_of=(identity, identity))",
            "^golden_noise makes its pairs with one sampler",
        ),
        (
            "generate",
            "interpolated(sampler=identity, how=lerp, gamma=0.1)",
            "^interpolated: gamma .*how=noisediffusion",
        ),
        ("generate", "moved_noise(of=identity)", "^moved_noise: identity moves no noise: name golden_noise"),
        ("generate", "round_trip(of=identity)", "^round_trip: identity encodes no pictures: name interpolated"),
        ("generate", "round_trip(of=interpolated(sampler=identity))", "^round_trip: .* encodes no pictures"),
        (
            "generate",
            f"few_steps(model={EXACT}, most=0.002)",
            "^(method ')?few_steps'?: .*most=0.002 .* 0.002: give a larger most",
        ),
        *(
            (
                "generate",
                f"{name}(model={EXACT}, least=3, most=2)",
                f"^method '{name}': least=3 is not below most=2",
            )
            for name in ("ddim", "ddpm", "dpm_solver_2m", "euler", "heun", "lms", "unipc", "disa")
        ),
        (
            "generate",
            f"disa(model={EXACT}, upper=3, lower=4)",
            "^(method ')?disa'?: upper=3 .*lower=4",
        ),
        ("generate", f"guided(model={NET.format(0)})", r"^guided: .* knows no classes: give its arch classes=10"),
        ("generate", f"anagram(model={NET.format(0)})", "^anagram: .* knows no classes"),
        ("generate", f"denoise_invert(sampler=ddim(model={NET.format(0)}))", "^denoise_invert: .* knows no classes"),
        ("matrix", "subgm(rho=0.999999999)", r"^subgm: rho=0.999999999 takes 1e\+10 steps: give rho=0.99999"),
        (
            "restore",
            "jacobian(method=dncnn, keep=2, transposed=true)",
            "^(method ')?jacobian'?: keep is of the symmetric part",
        ),
        *(
            (
                "restore",
                f"{name}(method={one})",
                f"^method '{name}': method={one} learns from the picture that it restores",
            )
            for name in ("attacked", "jacobian", "basis_vector")
            for one in ("dip", "self2self", "zs_n2n")
        ),
        *(
            (
                "restore",
                f"{name}(wavelet={one})",
                f"^method '{name}': wavelet='{one}' is none of the discrete ones .* give haar",
            )
            for name in ("bayes_shrink", "visu_shrink")
            for one in ("db100", "morl")
        ),
        ("restore", "visu_shrink(wavelet=db38, levels=8)", "levels=8 .* 19200 pixels .*: give fewer levels"),
        ("restore", "median(size=1000000)", "size must be a whole number from 1 to 255"),
        ("restore", "nlm(reach=1000000)", "reach must be a whole number from 1 to 100"),
        ("restore", "gaussian_filter(width=1e30)", "width must be a number from 0 to 1000"),
        ("restore", "bilateral(width=1e30)", "width must be a number above 0, up to 100, not"),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_read(track: str, spec: str, said: str) -> None:
    with pytest.raises(nb.UsageError, match=said) as caught:
        bind(spec, "method", track)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("track", "spec"),
    [
        ("classify", "occlusion(method=svm, side=4, stride=4)"),
        ("classify", "randomized(method=gradient(method=trained))"),
        ("classify", "eps_ad(kernel=deep, attacks=digits)"),
        ("generate", "round_trip(of=interpolated(sampler=identity, encode=true))"),
        ("generate", f"few_steps(model={EXACT}, most=0.0021)"),
        ("generate", f"guided(model={NET.format(10)})"),
        ("generate", f"denoise_invert(sampler=ddim(model={EXACT}))"),
        ("matrix", "subgm(rho=0.999999999, steps=5)"),
        ("restore", "jacobian(method=dncnn, transposed=true)"),
        ("restore", "attacked(method=dncnn)"),
        ("restore", "bayes_shrink(wavelet='bior4.4')"),
        ("restore", "bayes_shrink(wavelet=Haar, levels=12)"),
    ],
)
def test_what_fits_is_not(track: str, spec: str) -> None:
    assert bind(spec, "method", track).track == track


def test_a_class_beyond_those_of_a_law_is_refused() -> None:
    with pytest.raises(nb.UsageError, match=r"class \d .*exact\(of=gaussian_digits.*has 1: give .*labels=false"):
        nb.evaluate(f"euler(model={EXACT}, steps=2)", "digits(n=1, labels=true)", track="generate")


def test_a_class_beyond_those_of_a_network_is_refused() -> None:
    model: Any = bind(NET.format(3), "method", "generate")
    made = model.entry.obj(**model.kwargs)
    made.net, made.given = (
        bind("diffusion_unet(classes=3)", "arch", "").entry.obj((1, 8, 8), (1, 8, 8), classes=3),
        (1, 8, 8),
    )
    x = torch.zeros(2, 1, 8, 8)
    with pytest.raises(nb.UsageError, match=r"class 3 .*classes=3: give the arch"):
        made.denoised(x, 1.0, torch.tensor([0, 3]))
    for labels in (torch.tensor([-1, 2]), None):
        assert made.denoised(x, 1.0, labels).shape == x.shape


def test_a_clip_shorter_than_a_window_is_refused() -> None:
    pytest.importorskip("noisereduce")
    run = bind("noisereduce", "method", "audio").entry.obj
    told = nb.Info({"rate": 8000}, b"a")
    with pytest.raises(nb.UsageError, match="noisereduce.* 769 .* 768: leave stationary out"):
        run(np.ones(768, np.float32), told, stationary=True)
    assert run(np.zeros(768, np.float32), told, stationary=True).shape == (768,)
    assert run(np.ones(768, np.float32), told).shape == (768,)
    noise = np.random.default_rng(0).standard_normal(769).astype(np.float32)
    assert run(noise, told, stationary=True).shape == noise.shape
