"""What headline claims ask of their setting first."""

from __future__ import annotations

from noisebench.claims.effects import Effect, all_claims

WITHOUT = {
    "one_call_is_twenty_times_as_fast_as_fifty": "the quality of one call",
    "errors_on_roads_go_with_aliasing": "the loss of the network beside that of a constant",
    "batches_have_larger_eigenvalues": "the accuracy of the network whose Hessian it is",
    "noise_of_its_own_size_predicts_them": "the accuracy of the network whose Hessian it is",
    "later_tokens_are_more_determined": "the distance of the network's samples from the law",
    "mean_trace_ranks_layers": "the PSNR of the network beside a classical denoiser's",
    "midpoints_of_real_pictures_are_nearer_to_the_set": "the FD of plain samples of the model",
    "midpoints_of_real_pictures_with_a_trained_model": "the FD of plain samples of the model",
    "error_and_stability_are_in_balance": "the accuracy of each network",
    "the_score_of_a_network_is_linear_where_noise_is_strong": "the denoising error beside that of the normal law",
    "a_network_is_nearer_to_linear_early_in_training": "the denoising error beside that of the normal law",
    "twins_of_many_pictures_are_one_function": "the error of the twins beside that of the noisy squares",
    "memory_falls_by_two_point_seven": "the accuracy with winners",
    "a_token_by_forward_passes_takes_an_eighth_of_the_memory": "the distance of the token's pictures",
}
"""Headlines whose cells do not show what must hold first, and the cell that it takes."""


def test_each_headline_effect_says_what_must_hold_first() -> None:
    headlines = [one for one in all_claims() if isinstance(one, Effect) and one.role == "headline"]
    without = [one.name for one in headlines if one.kind == "effect" and not one.precondition]
    assert sorted(without) == sorted(WITHOUT)
