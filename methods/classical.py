"""Classical denoisers: few lines each on OpenCV, SciPy and scikit-image, with defaults that need no tuning.

The noise level is the one disclosed, else an estimate (`noise_sigma`). A constant that the source of a method
does not give is fitted on 8 to 12 pictures of BSD400, which is a training set, at sigma 10 to 75, and
never on a picture of a test set; its docstring says so.
"""

from __future__ import annotations

from typing import Any, Literal

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
    back = cv2.imdecode(file, cv2.IMREAD_COLOR if picture.shape[2] == 3 else cv2.IMREAD_GRAYSCALE)
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


@nb.method("gaussian_filter", layout="hwc", baseline=True, cite="Stein 1981")
def gaussian_filter(noisy: Any, info: Any, *, width: float | None = None) -> Any:
    """A Gaussian blur. Default width: the least unbiased estimate of the risk (SURE, Stein 1981).

    For a linear filter K and white noise, E|Ky − x|² = E|Ky − y|² + 2σ² tr K − Nσ², which needs no clean
    picture. Widths tried: 0 (no blur), then 0.3 to 4.6 pixels in steps of a fifth. Mirrored border.
    """
    if width is not None:
        return _blur(noisy, width)
    sigma = noise_sigma(noisy, info)
    best, least = noisy, 2 * sigma**2
    for candidate in 0.3 * 1.2 ** np.arange(16):
        blurred = _blur(noisy, candidate)
        risk = float(np.mean(np.square(blurred - noisy, dtype=np.float64)))
        risk += 2 * sigma**2 * float(_taps(candidate).max()) ** 2
        if risk < least:
            best, least = blurred, risk
    return best


def _taps(width: float) -> Any:
    radius = int(np.ceil(4 * width))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / width) ** 2)
    return taps / taps.sum()


def _blur(noisy: Any, width: float) -> Any:
    import cv2

    if width <= 0:
        return noisy
    taps = _taps(width)
    return cv2.sepFilter2D(noisy, cv2.CV_32F, taps, taps, borderType=cv2.BORDER_REFLECT).reshape(noisy.shape)


@nb.method("median", layout="hwc", blind=True, cite="Tukey 1977")
def median(noisy: Any, info: Any, *, size: int = 3) -> Any:
    """The median of a `size`×`size` window, channel by channel. 3 keeps the most detail (Tukey 1977)."""
    from scipy.ndimage import median_filter

    return median_filter(noisy, size=(size, size, 1), mode="reflect")


@nb.method("adaptive_median", layout="hwc", blind=True, cite="Hwang & Haddad 1995")
def adaptive_median(noisy: Any, info: Any, *, largest: int = 7) -> Any:
    """For impulses: replace only pixels that are extreme in their window, by the first median that is not.

    Hwang & Haddad (1995): windows grow from 3 to `largest` while the median itself is extreme; 7 is enough
    for 50 % of impulses.
    """
    from scipy.ndimage import maximum_filter, median_filter, minimum_filter

    restored = noisy.copy()
    open_ = np.ones(noisy.shape, bool)
    for size in range(3, largest + 1, 2):
        window: dict[str, Any] = {"size": (size, size, 1), "mode": "reflect"}
        low, middle, high = (f(noisy, **window) for f in (minimum_filter, median_filter, maximum_filter))
        sound = open_ & (low < middle) & (middle < high)
        replace = sound & ((noisy <= low) | (noisy >= high))
        restored[replace] = middle[replace]
        open_ &= ~sound
    return restored


@nb.method("bilateral", layout="hwc", cite="Tomasi & Manduchi 1998")
def bilateral(noisy: Any, info: Any, *, width: float = 1.8, strength: float = 2.5) -> Any:
    """Bilateral filter: spatial `width` in pixels, range `strength` in units of the noise sigma.

    Zhang & Gunturk (2008) find the best width in 1.5–2.1 whatever the noise, and the best range in proportion
    to sigma, from twice upwards; 2.5 is best on BSD400 at sigma 15 to 25.
    """
    import cv2

    spread = strength * noise_sigma(noisy, info)
    if spread <= 0:
        return noisy
    diameter = 2 * int(np.ceil(3 * width)) + 1

    def smooth(picture: Any) -> Any:
        return cv2.bilateralFilter(picture, diameter, spread, width, borderType=cv2.BORDER_REFLECT)

    if noisy.shape[2] == 3:
        # OpenCV sums |difference| over the channels: for pure noise √(3 + 12/π) times that of grey.
        spread *= float(np.sqrt(3 + 12 / np.pi))
        return smooth(noisy)
    return per_channel(smooth, noisy)


@nb.method("nlm", layout="hwc", cite="Buades, Coll & Morel 2005; Darbon et al. 2008")
def nlm(noisy: Any, info: Any, *, h: float = 0.6, patch: int | None = None, reach: int = 6) -> Any:
    """Non-local means: filtering strength `h` in units of sigma, `patch` side and search `reach` in pixels.

    Patch 5 and reach 6 are what scikit-image's documentation uses, h = 0.6 is best on BSD400 at sigma 10 to
    30; above 30 a patch of 7 is better (as in Buades, Coll & Morel, IPOL 2011, table 1).
    """
    from skimage.restoration import denoise_nl_means

    sigma = noise_sigma(noisy, info)
    if sigma <= 0:
        return noisy
    side = patch or (5 if sigma <= 30 / 255 else 7)

    def average(picture: Any) -> Any:
        grey = picture.shape[2] == 1
        averaged = denoise_nl_means(
            picture[:, :, 0] if grey else picture, patch_size=side, patch_distance=reach, h=h * sigma,
            sigma=sigma, fast_mode=True, preserve_range=True, channel_axis=None if grey else 2,
        )  # fmt: skip
        return averaged.reshape(picture.shape)

    return on_padded(average, noisy, 32)


@nb.method("bayes_shrink", layout="hwc", cite="Chang, Yu & Vetterli 2000")
def bayes_shrink(noisy: Any, info: Any, *, wavelet: str = "sym8", levels: int = 4, shifts: int = 0) -> Any:
    """Wavelet soft thresholding at σ²/σ_x of each subband (Chang, Yu & Vetterli 2000, with their wavelet).

    `shifts` > 0 averages (shifts + 1)² shifted versions (cycle spinning, Coifman & Donoho 1995).
    """
    return _shrink(noisy, info, "BayesShrink", wavelet, levels, shifts)


@nb.method("visu_shrink", layout="hwc", cite="Donoho & Johnstone 1994")
def visu_shrink(noisy: Any, info: Any, *, wavelet: str = "sym8", levels: int = 4, shifts: int = 0) -> Any:
    """Wavelet soft thresholding at σ√(2 log N) (Donoho & Johnstone 1994): smooth, as it wants no noise left.

    `shifts` > 0 averages (shifts + 1)² shifted versions (cycle spinning, Coifman & Donoho 1995).
    """
    return _shrink(noisy, info, "VisuShrink", wavelet, levels, shifts)


def _shrink(noisy: Any, info: Any, rule: str, wavelet: str, levels: int, shifts: int) -> Any:
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


@nb.method("tv_chambolle", layout="hwc", cite="Chambolle 2004")
def tv_chambolle(noisy: Any, info: Any, *, strength: float = 1.0, iterations: int = 200) -> Any:
    """Total variation (Rudin, Osher & Fatemi 1992) by Chambolle's projections (2004).

    The weight is 1.27 σ^1.2, a fit to BSD400 at sigma 10 to 75, times `strength`.
    """
    from skimage.restoration import denoise_tv_chambolle

    sigma = noise_sigma(noisy, info)
    if sigma <= 0:
        return noisy
    weight = strength * 1.27 * sigma**1.2

    def flatten(picture: Any) -> Any:
        return denoise_tv_chambolle(picture, weight, eps=1e-5, max_num_iter=iterations, channel_axis=2)

    return on_padded(flatten, noisy, 2)


@nb.method("wiener", layout="hwc", cite="Lee 1980")
def wiener(noisy: Any, info: Any, *, size: int | None = None) -> Any:
    """The local Wiener filter (Lee 1980): m + max(v − σ², 0)/v · (y − m), with mean and variance of a window.

    Default window, best on BSD400: 5 up to a sigma of 15, 7 up to 35, 9 up to 60, then 11.
    """
    import cv2

    sigma = noise_sigma(noisy, info)
    variance = sigma**2
    size = size or 5 + 2 * int(np.searchsorted((15, 35, 60), 255 * sigma))

    def mean(picture: Any) -> Any:
        blurred = cv2.blur(picture, (size, size), borderType=cv2.BORDER_REFLECT)
        return blurred.reshape(picture.shape)

    y = noisy.astype(np.float64)
    m = mean(y)
    v = np.maximum(mean(np.square(y - y.mean())) - np.square(m - y.mean()), 0)
    gain = np.maximum(v - variance, 0) / np.maximum(v, np.finfo(np.float64).tiny)
    return (m + gain * (y - m)).astype(np.float32)


@nb.method("bm3d", layout="hwc", requires=("bm3d",), cite="Dabov et al. 2007; Mäkinen, Azzari & Foi 2020")
def bm3d(noisy: Any, info: Any) -> Any:
    """BM3D by its authors' package, which is licensed for non-commercial use only: install it if that is you.

    Colour: in opponent planes, matched on luminance. One thread.
    """
    import bm3d as package

    sigma = noise_sigma(noisy, info)
    if sigma <= 0:
        return noisy
    profile = package.BM3DProfile()
    profile.num_threads = 1

    def collaborate(picture: Any) -> Any:
        if picture.shape[2] != 3:
            return per_channel(lambda plane: package.bm3d(plane, sigma, profile), picture)
        # The authors' colour space on the scale of grey. Their `bm3d_rgb` divides by 0 where a plane is flat.
        basis = opponent(3) / np.sqrt(3)
        deviation = np.full((1, 1, 3), sigma / np.sqrt(3))
        return 3 * package.bm3d(picture @ basis.T, deviation, profile) @ basis

    return on_padded(collaborate, noisy.astype(np.float64), 16).astype(np.float32)


@nb.method("vst", layout="hwc", needs=("peak|looks",), cite="Mäkitalo & Foi 2011, 2013")
class Vst:
    """Stabilise the variance, denoise with `method` as if the noise were Gaussian, transform back unbiased.

    `anscombe` for Poisson noise of a disclosed `peak`, with read noise `sigma` where there is; `log` for
    gamma noise of disclosed `looks`; `auto` takes the one that is disclosed. Skips where none is.
    """

    def __init__(self, *, method: nb.MethodSpec = "nlm", kind: Literal["auto", "anscombe", "log"] = "auto") -> None:
        self.inner = nb.Restorer(method)
        self.kind = kind

    def setup(self, device: Any) -> None:
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        kind = self.kind
        if kind == "auto":
            kind = "log" if info.looks is not None and info.peak is None else "anscombe"
        if kind == "anscombe":
            if info.peak is None:
                raise nb.Skip("kind=anscombe needs peak, which the regime does not disclose")
            pair = anscombe(float(info.peak), float(info.sigma or 0))
        else:
            if info.looks is None:
                raise nb.Skip("kind=log needs looks, which the regime does not disclose")
            pair = logarithm(float(info.looks))
        forward, backward, spread = pair
        low, high = forward(np.array([0.0, 1.0]))
        scaled = (forward(noisy.astype(np.float64)) - low) / (high - low)
        inner = info.replace(sigma=float(spread / (high - low)), peak=None, looks=None, speckle=None)
        restored = self.inner.restore(scaled.astype(np.float32), inner)
        return backward(low + (high - low) * restored.astype(np.float64)).astype(np.float32)


def anscombe(peak: float, sigma: float = 0.0) -> tuple[Any, Any, float]:
    """Generalised Anscombe transform of Poisson(peak·x)/peak + N(0, sigma²): (forward, backward, deviation).

    `backward` is the closed-form approximation of the exact unbiased inverse (Mäkitalo & Foi 2011 and 2013).
    """
    offset = 3 / 8 + (peak * sigma) ** 2

    def forward(y: Any) -> Any:
        return 2 * np.sqrt(np.maximum(peak * y + offset, 0))

    def backward(d: Any) -> Any:
        # Below the transform of zero counts the inverse is zero (ibid.); d⁻³ would blow up there.
        d = np.maximum(d, 2 * np.sqrt(3 / 8))
        root = np.sqrt(3 / 2)
        counts = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3) - 1 / 8
        return np.maximum(counts - (peak * sigma) ** 2, 0) / peak

    return forward, backward, 1.0


def logarithm(looks: float) -> tuple[Any, Any, float]:
    """Log of y = x·Gamma(looks)/looks: (forward, backward, deviation of the noise).

    E[log y] = log x + ψ(L) − log L and var[log y] = ψ′(L), so that `backward` divides the bias out.
    """
    from scipy.special import digamma, polygamma

    # Half a grey level of 8 bits: a black pixel has no logarithm, and nothing below it can be seen.
    floor = 0.5 / 255
    bias = float(digamma(looks) - np.log(looks))

    def forward(y: Any) -> Any:
        return np.log(np.maximum(y, floor))

    def backward(z: Any) -> Any:
        return np.exp(np.minimum(z - bias, 50.0))

    return forward, backward, float(np.sqrt(polygamma(1, looks)))
