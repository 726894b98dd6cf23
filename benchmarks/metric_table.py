"""The tables of docs/metrics.md: speed and error of common metrics in five libraries, in one run; and all metrics.

    python benchmarks/metric_table.py            measure, and rewrite both tables
    python benchmarks/metric_table.py --list     rewrite the list of metrics only

One thread. Time is CPU time, so that other work on the machine tells less; calls of the libraries take turns. The
reference is each definition in float64, as the tests have it. A library that is not installed says so.
"""

import argparse
import importlib
import importlib.metadata
import importlib.util
import inspect
import re
import sys
import time
from pathlib import Path

import cv2
import noisebench as nb
import numpy as np
import torch
from noisebench.components.registry import registry
from skimage import data
from skimage import metrics as scikit

ROOT = Path(__file__).parent.parent
SIZES = {"512²": (512, 512), "1080p": (1080, 1920)}
LIBRARIES = {
    "noisebench": "noisebench", "torchmetrics": "torchmetrics", "scikit-image": "skimage", "piq": "piq",
    "pyiqa": "pyiqa", "OpenCV": "cv2",
}  # fmt: skip
FLOATS = ("float32", "float64")
NOTES = {
    **dict.fromkeys(((m, "piq") for m in ("PSNR", *(f"PSNR, {kind}" for kind in FLOATS))), "adds 1e-8 to the MSE"),
    ("PSNR", "pyiqa"): "adds 1e-8 to the MSE",
    ("MS-SSIM", "torchmetrics"): "averages over a padded border too",
    ("VIF", "pyiqa"): "is the VIF of wavelets, another metric",
}
"""Where a library has another convention in the nearest configuration there is: its difference is no error."""


def pictures(height, width):
    """A photograph, and the same under noise of sigma 25: uint8 RGB."""
    clean = data.astronaut()
    if clean.shape[:2] != (height, width):
        clean = cv2.resize(clean, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 25, clean.shape)
    return np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8), clean


def calls(x, y):
    """(metric, library) → a call, on input of the kind that the library takes, made beforehand.

    Of metrics of luma the others get the luma.
    """
    found = {}
    for metric, spec in (("PSNR", "psnr"), ("SSIM", "ssim"), ("MS-SSIM", "ms_ssim"), ("GMSD", "gmsd"), ("VIF", "vif")):
        found[metric, "noisebench"] = lambda spec=spec: nb.score(x, y, spec)[spec]
    found["PSNR", "scikit-image"] = lambda: scikit.peak_signal_noise_ratio(y, x, data_range=255)
    found["SSIM", "scikit-image"] = lambda: scikit.structural_similarity(
        x, y, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )[1][5:-5, 5:-5].mean()
    for kind in FLOATS:
        given = [(p / 255).astype(kind) for p in (x, y)]
        tensors = [torch.from_numpy(p.transpose(2, 0, 1).copy())[None] for p in given]
        name = f"PSNR, {kind}"
        found[name, "noisebench"] = lambda given=given: nb.psnr(*given, "float")
        found[name, "scikit-image"] = lambda given=given: scikit.peak_signal_noise_ratio(*given[::-1], data_range=1)
        if installed("torchmetrics"):
            psnr = importlib.import_module("torchmetrics.functional.image").peak_signal_noise_ratio
            found[name, "torchmetrics"] = lambda tensors=tensors, psnr=psnr: psnr(*tensors, data_range=1.0)
        if installed("piq"):
            psnr = importlib.import_module("piq").psnr
            found[name, "piq"] = lambda tensors=tensors, psnr=psnr: psnr(*tensors)
    found["PSNR", "OpenCV"] = lambda: cv2.PSNR(x, y)
    a, b = (torch.from_numpy(p.transpose(2, 0, 1).copy())[None].float() / 255 for p in (x, y))
    lumas = [torch.from_numpy((p @ [0.299, 0.587, 0.114])[None, None]).float() / 255 for p in (x, y)]
    if installed("torchmetrics"):
        f = importlib.import_module("torchmetrics.functional.image")
        wide = [255 * p for p in lumas]
        found["PSNR", "torchmetrics"] = lambda: f.peak_signal_noise_ratio(a, b, data_range=1.0)
        found["SSIM", "torchmetrics"] = lambda: f.structural_similarity_index_measure(
            a, b, data_range=1.0, return_full_image=True
        )[1][..., 5:-5, 5:-5].mean()
        found["MS-SSIM", "torchmetrics"] = lambda: f.multiscale_structural_similarity_index_measure(
            a, b, data_range=1.0
        )
        found["VIF", "torchmetrics"] = lambda: f.visual_information_fidelity(*wide)
    if installed("piq"):
        piq = importlib.import_module("piq")
        found["PSNR", "piq"] = lambda: piq.psnr(a, b)
        found["SSIM", "piq"] = lambda: piq.ssim(a, b, downsample=False)
        found["MS-SSIM", "piq"] = lambda: piq.multi_scale_ssim(a, b)
        found["GMSD", "piq"] = lambda: piq.gmsd(*lumas)
        found["VIF", "piq"] = lambda: piq.vif_p(*lumas)
    if installed("pyiqa"):
        create = importlib.import_module("pyiqa").create_metric
        for metric, name, options, inputs in (
            ("PSNR", "psnr", {}, (a, b)),
            ("SSIM", "ssimc", {}, (a, b)),
            ("MS-SSIM", "ms_ssim", {"test_y_channel": False}, (a, b)),
            ("GMSD", "gmsd", {"test_y_channel": False, "channels": 1}, lumas),
            ("VIF", "vif", {}, (a, b)),
        ):
            model = create(name, device="cpu", **options)
            found[metric, "pyiqa"] = lambda model=model, inputs=inputs: model(*inputs)
    return found


def references(x, y):
    """The definitions in float64, from the tests."""
    sys.path += [str(ROOT / "tests" / folder) for folder in ("support", "tracks/restore/metrics")]
    fidelity, perceptual = importlib.import_module("test_scoring"), importlib.import_module("test_perceptual")
    return {
        "PSNR": fidelity.psnr_ref(x, y, 255),
        **{f"PSNR, {k}": fidelity.psnr_ref((x / 255).astype(k), (y / 255).astype(k), 1) for k in FLOATS},
        "SSIM": fidelity.ssim_ref(x, y, 255),
        "MS-SSIM": fidelity.ms_ssim_ref(x, y, 255), "GMSD": perceptual.gmsd_ref(x, y), "VIF": perceptual.vif_ref(x, y),
    }  # fmt: skip


def installed(library):
    """Whether a library is there."""
    return importlib.util.find_spec(LIBRARIES[library]) is not None


def measure(size, rounds):
    """(metric, library) → (CPU seconds a picture, value), the median over rounds in which all take turns.

    The first call of each warms it up; where it takes a second or more it is the only one.
    """
    x, y = pictures(*SIZES[size])
    found = calls(x, y)
    values, seconds = {}, {key: [] for key in found}
    for key, call in found.items():
        start = time.process_time()
        values[key] = float(call())
        seconds[key].append(time.process_time() - start)
    quick = {key: call for key, call in found.items() if seconds[key][0] < 1}
    seconds.update({key: [] for key in quick})
    for _ in range(rounds):
        for key, call in quick.items():
            times = 5 if key[1] == "noisebench" else 1
            start = time.process_time()
            for _ in range(times):
                call()
            seconds[key].append((time.process_time() - start) / times)
    return {key: (float(np.median(seconds[key])), values[key]) for key in found}, references(x, y)


def speed_table(rounds):
    """The table of speed and error, in Markdown."""
    lines = [
        "| metric | size | " + " | ".join(LIBRARIES) + " |",
        "|---|---|" + "---:|" * len(LIBRARIES),
    ]
    notes = []
    for size in SIZES:
        results, truth = measure(size, rounds[size])
        for metric in truth:
            cells = []
            first = min(results[key][0] for key in results if key[0] == metric)
            for library in LIBRARIES:
                if (metric, library) not in results:
                    cells.append("—" if installed(library) else "not installed")
                    continue
                seconds, value = results[metric, library]
                rate = f"{1 / seconds:.3g}"
                rate = f"**{rate}**" if seconds == first else rate
                sign = ""
                if (metric, library) in NOTES:
                    note = f"{metric} of {library} {NOTES[metric, library]}"
                    notes += [note] if note not in notes else []
                    sign = f" ({notes.index(note) + 1})"
                error = abs(value - truth[metric])
                cells.append(f"{rate} · {error:.0e}{sign}")
            lines.append(f"| {metric} | {size} | " + " | ".join(cells) + " |")
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in (*LIBRARIES, "torch", "opencv-python-headless")
        if name != "OpenCV" and (name not in LIBRARIES or installed(name))
    )  # fmt: skip
    lines += ["", *(f"({i}) {note}: the difference is no error. " for i, note in enumerate(notes, 1)), ""]
    return "\n".join([*lines, f"Made with {versions}, on {processor()}."])


def processor():
    """The name of the processor."""
    try:
        return re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8")).group(1)
    except (OSError, AttributeError):
        import platform

        return platform.processor() or platform.machine()


def metric_list():
    """All metrics with parameters, direction, unit and definition, in Markdown."""
    lines = ["| metric | better | unit | what it is |", "|---|---|---|---|"]
    for name in registry("metric").names():
        entry = registry("metric").get(name)
        if not entry.obj.__module__.startswith("noisebench."):
            continue  # of a plug-in
        given = ", ".join(
            key if default is inspect.Parameter.empty else f"{key}={default!r}"
            for key, (_, default) in entry.params.items()
        )
        better = "by name" if name in ("pyiqa", "torchmetrics") else "higher" if entry.meta["higher"] else "lower"
        about = entry.doc.replace("|", "\\|")
        lines.append(f"| `{name}{f'({given})' if given else ''}` | {better} | {entry.meta['unit'] or '1'} | {about} |")
    return "\n".join(lines)


def replaced(text, mark, table):
    """`text` with what stands between the marks replaced."""
    return re.sub(
        f"(<!-- {mark} -->\n).*?(\n<!-- end of {mark} -->)", lambda m: f"{m[1]}\n{table}\n{m[2]}", text, flags=re.S
    )


def main():
    """Rewrite the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="the list of metrics only")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "metrics.md", metavar="FILE")
    args = parser.parse_args()
    text = replaced(args.to.read_text(encoding="utf-8"), "list", metric_list())
    if not args.list:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        table = speed_table({"512²": 5, "1080p": 3})
        print(table)
        text = replaced(text, "speed", table)
    args.to.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
