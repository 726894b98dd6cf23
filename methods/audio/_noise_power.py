"""The power of the noise, from the noisy clip alone."""

from __future__ import annotations

import numpy as np

LEAST = 1e-20
"""Of power: silence has it, so that nothing is divided by 0."""


def quantile_power(power: np.ndarray, share: float = 0.3) -> np.ndarray:
    """By frequency the `share` quantile over time of power (T, F), as a mean: (F,) (Stahl, Fischer & Bippus 2000).

    Of noise, whose power has an exponential law, this quantile is -ln(1 - share) of the mean.
    """
    return np.asarray(np.maximum(np.quantile(power, share, axis=0) / -np.log1p(-share), LEAST))


def tracked_power(power: np.ndarray) -> np.ndarray:
    """By time and frequency, (T, F): the noise's part of the noisy power (Gerkmann & Hendriks 2012).

    What is seen counts as noise by the probability that no speech is there, with an a-priori SNR of 15 dB where it is;
    0.8 of the last estimate are kept. It begins with the quantile.
    """
    prior = 10**1.5
    estimate, mean = quantile_power(power), np.full(power.shape[1], 0.5)
    out = np.empty_like(power)
    for place, seen in enumerate(power):
        ratio = np.minimum(seen / estimate, 1e3)
        present = 1 / (1 + (1 + prior) * np.exp(-ratio * prior / (1 + prior)))
        mean = 0.9 * mean + 0.1 * present
        # Where speech has seemed to be there all the time, the estimate is not to stand still.
        present = np.where(mean > 0.99, np.minimum(present, 0.99), present)
        estimate = np.maximum(0.8 * estimate + 0.2 * (present * estimate + (1 - present) * seen), LEAST)
        out[place] = estimate
    return out
