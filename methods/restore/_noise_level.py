"""Classical denoisers: few lines each on OpenCV, SciPy and scikit-image, with defaults that need no tuning.

The noise level is the one disclosed, else an estimate (`noise_sigma`). A constant that the source of a method
does not give is fitted on 8 to 12 pictures of BSD400, which is a training set, at sigma 10 to 75, and
never on a picture of a test set; its docstring says so.
"""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


def noise_sigma(noisy: Any, info: Any) -> float:
    """Standard deviation of the noise on the [0, 1] scale: (H, W, C) → float.

    Disclosed as `sigma`; or the mean over the picture of what `peak` (Poisson: variance x / peak) or
    `speckle` (multiplicative: E[y²] = x² (1 + speckle²)) and a read noise `sigma` imply; or, for a JPEG of
    known `quality`, the change that the same JPEG makes on a grid moved by half a block, which errs about as
    much as the first did; or estimated: the median absolute diagonal wavelet coefficient / 0.6745 (Donoho &
    Johnstone 1994), as `skimage.restoration.estimate_sigma` does, mean over channels. 0 for a picture too
    small to tell.
    """
    speckle = info.speckle if info.looks is None else info.looks**-0.5
    if info.peak is not None or speckle is not None:
        variance = float(info.sigma or 0) ** 2
        if info.peak is not None:
            variance += max(float(np.mean(noisy)), 0.0) / float(info.peak)
        if speckle is not None:
            variance += float(np.mean(np.square(noisy, dtype=np.float64))) * speckle**2 / (1 + speckle**2)
        return float(np.sqrt(variance))
    if info.sigma is not None:
        return float(info.sigma)
    if info.quality is not None:
        change = recompress(noisy, info.quality, 4, 4) - noisy
        return float(np.sqrt(np.mean(np.square(change, dtype=np.float64))))
    if min(noisy.shape[:2]) < 4:
        return 0.0
    import pywt

    diagonals = [pywt.dwt2(noisy[:, :, c], "db2")[1][2] for c in range(noisy.shape[2])]
    return float(np.mean([np.median(np.abs(d)) for d in diagonals]) / 0.674489750196082)


def recompress(picture: Any, quality: int, down: int, right: int) -> Any:
    """(H, W, C) on [0, 1] through a JPEG whose blocks begin (down, right) pixels before the picture."""
    import cv2

    if picture.shape[2] not in (1, 3):
        return per_channel(lambda plane: recompress(plane[:, :, None], quality, down, right)[:, :, 0], picture)
    height, width = picture.shape[:2]
    moved = np.pad(picture, ((down, 0), (right, 0), (0, 0)), mode="symmetric")
    byte = np.rint(np.clip(moved, 0, 1) * 255).astype(np.uint8)[:, :, ::-1]
    _, file = cv2.imencode(".jpg", np.ascontiguousarray(byte), [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    back: Any = cv2.imdecode(file, cv2.IMREAD_COLOR if picture.shape[2] == 3 else cv2.IMREAD_GRAYSCALE)
    back = back.reshape(moved.shape)[down : down + height, right : right + width, ::-1]
    return np.ascontiguousarray(back, dtype=np.float32) / 255


def per_channel(function: Any, noisy: Any) -> Any:
    """`function` of (H, W) applied to each channel of (H, W, C)."""
    return np.stack([function(np.ascontiguousarray(noisy[:, :, c])) for c in range(noisy.shape[2])], axis=-1)


def on_padded(function: Any, noisy: Any, least: int) -> Any:
    """`function` of (H, W, C) on the picture mirrored up to `least` pixels a side, then cut back."""
    height, width = noisy.shape[:2]
    more = (max(least - height, 0), max(least - width, 0))
    if not any(more):
        return function(noisy)
    return function(np.pad(noisy, ((0, more[0]), (0, more[1]), (0, 0)), mode="symmetric"))[:height, :width]


def opponent(channels: int) -> Any:
    """An orthonormal (C, C) change of colour that decorrelates RGB and keeps white noise white (DCT-II)."""
    k, n = np.mgrid[:channels, :channels]
    basis = np.sqrt(2 / channels) * np.cos(np.pi * (n + 0.5) * k / channels)
    basis[0] /= np.sqrt(2)
    return basis


def refuse_unfit_wavelet(wavelet: str, levels: int) -> None:
    """Raise `UsageError` for what is no wavelet, and for levels beyond those of any picture."""
    import pywt

    try:
        side = 2**levels * (pywt.Wavelet(wavelet).dec_len - 1)
    except ValueError:
        raise nb.UsageError(
            f"wavelet={nb.one_line(wavelet)!r} is none of the discrete ones of PyWavelets: give haar, "
            "db1 to db38, sym2 to sym20, coif1 to coif17, dmey, or one such as 'bior4.4' in quotes"
        ) from None
    if side > 16384:
        raise nb.UsageError(
            f"levels={levels} of wavelet={wavelet} take pictures of {side} pixels a side: give fewer levels, or a "
            "shorter wavelet"
        )


def wavelet_shrink(noisy: Any, info: Any, rule: str, wavelet: str, levels: int, shifts: int) -> Any:
    import pywt
    from skimage.restoration import denoise_wavelet

    sigma = noise_sigma(noisy, info)
    if sigma <= 0:
        return noisy
    settings = {
        "sigma": sigma,
        "wavelet": wavelet,
        "method": rule,
        "mode": "soft",
        "rescale_sigma": False,
        "wavelet_levels": levels,
    }

    def shrink(plane: Any) -> Any:
        steps = range(shifts + 1)
        turned = [
            np.roll(denoise_wavelet(np.roll(plane, (i, j), (0, 1)), **settings), (-i, -j), (0, 1))
            for i in steps
            for j in steps
        ]
        return np.mean(turned, axis=0)

    # In an orthonormal colour space the noise stays white with the same sigma, and the signal is compact.
    basis = opponent(noisy.shape[2])
    least = 2**levels * (pywt.Wavelet(wavelet).dec_len - 1)
    planes = noisy.astype(np.float64) @ basis.T
    restored = on_padded(lambda picture: per_channel(shrink, picture), planes, least)
    return (restored @ basis).astype(np.float32)
