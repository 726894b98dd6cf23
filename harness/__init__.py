"""noisebench: benchmark and evaluation of restoration under noise, and of everything else that noise is done to."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "method": "components", "dataset": "components", "regime": "components", "metric": "components",
    "protocol": "components", "open_dataset": "components", "checked": "components",
    "at_most": "components",
    "Track": "track", "Case": "track", "Runner": "track", "Words": "track", "Defaults": "track", "Dataset": "track",
    "add_track": "track", "MethodRunner": "runner", "ArrayFiles": "array_outputs", "noise_key": "keyed_noise",
    "keyed_generator": "keyed_noise", "text_key": "keyed_noise", "get_track": "track", "checked_declarations": "track",
    "Info": "info", "Spec": "spec", "Bound": "registry", "grid_of": "tuning_grid",
    "MethodSpec": "parameter_types", "DatasetSpec": "parameter_types", "Nested": "parameter_types",
    "Later": "parameter_types", "AxisLabel": "parameter_types",
    "bind": "registry", "evaluate": "evaluation", "Result": "notebook.result", "module_sources": "sources",
    "method_sources": "sources",
    "UsageError": "errors", "Skip": "errors", "Invalid": "errors", "NotDefined": "errors", "one_line": "errors",
    "arch": "training.components", "loss": "training.components", "objective": "training.components",
    "optimizer": "training.components", "schedule": "training.components", "part": "training.components",
    "sampler": "training.components", "stop": "training.components",
    "Recipe": "recipe", "recipe_of": "recipe", "trained_network": "training.network",
    "TrainedMethod": "training.trained_method", "TunedMethod": "training.tuned_method", "data_roots": "data.roots",
    "made_once": "data.made_once", "learned": "training.learned", "Learned": "training.learned",
    "list_files": "data.folders", "pair_folders": "data.folders", "frame": "frames",
    "read_results": "notebook.stored", "StoredResults": "notebook.stored", "Leaderboard": "notebook.leaderboard",
    "WeightFile": "data.weights", "read_weight_table": "data.weights", "load_weights": "data.weights",
    "read_checkpoint": "data.checkpoints", "load_checkpoint": "data.checkpoints",
    "frechet_distance": "distances.frechet", "kernel_distance": "distances.kernel",
    "read_picture": "imaging.pictures", "write_picture": "imaging.pictures", "PICTURE_SUFFIXES": "imaging.pictures",
    "pixel_sha256": "imaging.pixels", "ManifestSet": "imaging.manifest",
    "Classifier": "tracks.classify.classifier",
    "Sample": "imaging.sample", "Restorer": "tracks.restore.restorer", "degrade": "tracks.restore.degrade",
    "psnr": "tracks.restore.scoring", "ssim": "tracks.restore.scoring", "score": "tracks.restore.scoring",
    "score_sets": "tracks.restore.scoring", "features": "tracks.restore.scoring",
    "write_reference": "tracks.restore.set_metrics.reference",
}  # fmt: skip

if TYPE_CHECKING:  # what a type checker sees; at run time a name is imported when it is first used
    from .components import (
        at_most as at_most,
    )
    from .components import (
        checked as checked,
    )
    from .components import (
        dataset as dataset,
    )
    from .components import (
        method as method,
    )
    from .components import (
        metric as metric,
    )
    from .components import (
        open_dataset as open_dataset,
    )
    from .components import (
        protocol as protocol,
    )
    from .components import (
        regime as regime,
    )
    from .data.checkpoints import load_checkpoint as load_checkpoint
    from .data.checkpoints import read_checkpoint as read_checkpoint
    from .data.folders import list_files as list_files
    from .data.folders import pair_folders as pair_folders
    from .data.made_once import made_once as made_once
    from .data.roots import data_roots as data_roots
    from .data.weights import (
        WeightFile as WeightFile,
    )
    from .data.weights import (
        load_weights as load_weights,
    )
    from .data.weights import (
        read_weight_table as read_weight_table,
    )
    from .distances.frechet import frechet_distance as frechet_distance
    from .distances.kernel import kernel_distance as kernel_distance
    from .errors import (
        Invalid as Invalid,
    )
    from .errors import (
        NotDefined as NotDefined,
    )
    from .errors import (
        Skip as Skip,
    )
    from .errors import (
        UsageError as UsageError,
    )
    from .errors import (
        one_line as one_line,
    )
    from .evaluation import evaluate as evaluate
    from .frames import frame as frame
    from .imaging.manifest import ManifestSet as ManifestSet
    from .imaging.pictures import (
        PICTURE_SUFFIXES as PICTURE_SUFFIXES,
    )
    from .imaging.pictures import (
        read_picture as read_picture,
    )
    from .imaging.pictures import (
        write_picture as write_picture,
    )
    from .imaging.pixels import pixel_sha256 as pixel_sha256
    from .imaging.sample import Sample as Sample
    from .info import Info as Info
    from .keyed_noise import keyed_generator as keyed_generator
    from .keyed_noise import noise_key as noise_key
    from .keyed_noise import text_key as text_key
    from .notebook.leaderboard import Leaderboard as Leaderboard
    from .notebook.result import Result as Result
    from .notebook.stored import StoredResults as StoredResults
    from .notebook.stored import read_results as read_results
    from .parameter_types import AxisLabel as AxisLabel
    from .parameter_types import DatasetSpec as DatasetSpec
    from .parameter_types import Later as Later
    from .parameter_types import MethodSpec as MethodSpec
    from .parameter_types import Nested as Nested
    from .recipe import Recipe as Recipe
    from .recipe import recipe_of as recipe_of
    from .registry import Bound as Bound
    from .registry import bind as bind
    from .runner import MethodRunner as MethodRunner
    from .sources import method_sources as method_sources
    from .sources import module_sources as module_sources
    from .spec import Spec as Spec
    from .track import (
        Case as Case,
    )
    from .track import (
        Dataset as Dataset,
    )
    from .track import (
        Defaults as Defaults,
    )
    from .track import (
        Runner as Runner,
    )
    from .track import (
        Track as Track,
    )
    from .track import (
        Words as Words,
    )
    from .track import (
        add_track as add_track,
    )
    from .track import (
        checked_declarations as checked_declarations,
    )
    from .track import (
        get_track as get_track,
    )
    from .tracks.classify.classifier import Classifier as Classifier
    from .tracks.restore.degrade import degrade as degrade
    from .tracks.restore.restorer import Restorer as Restorer
    from .tracks.restore.scoring import (
        features as features,
    )
    from .tracks.restore.scoring import (
        psnr as psnr,
    )
    from .tracks.restore.scoring import (
        score as score,
    )
    from .tracks.restore.scoring import (
        score_sets as score_sets,
    )
    from .tracks.restore.scoring import (
        ssim as ssim,
    )
    from .tracks.restore.set_metrics.reference import write_reference as write_reference
    from .training.components import arch as arch
    from .training.components import loss as loss
    from .training.components import objective as objective
    from .training.components import optimizer as optimizer
    from .training.components import part as part
    from .training.components import sampler as sampler
    from .training.components import schedule as schedule
    from .training.components import stop as stop
    from .training.learned import Learned as Learned
    from .training.learned import learned as learned
    from .training.network import trained_network as trained_network
    from .training.trained_method import TrainedMethod as TrainedMethod
    from .training.tuned_method import TunedMethod as TunedMethod
    from .tuning_grid import grid_of as grid_of

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
