"""The denoiser is good, and as good as it was: `pytest --noisebench-update` accepts what it does now."""

import noisebench as nb
import pytest
from denoiser import dct_shrink


def test_it_is_good() -> None:
    assert nb.evaluate(dct_shrink, "photos", "gaussian(sigma=25)").psnr > 30


@pytest.mark.noisebench("photos", "gaussian(sigma=25)", limit=4)
def test_it_is_as_good_as_it_was(noisebench) -> None:
    noisebench.check(dct_shrink)
