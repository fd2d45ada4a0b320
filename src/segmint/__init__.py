"""segmint trains a generator on few labelled medical images, mints image + mask pairs, and measures whether they help.

Every verb of the command line is one function here, with a class for what some of them are told; each is imported when it
is first used, so that `import segmint` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from segmint.data.binarise import binarise_dataset as binarise
    from segmint.data.convert import Pseudonyms, convert_folders, convert_layout
    from segmint.data.get import get_dataset
    from segmint.data.inspect import inspect_dataset as inspect
    from segmint.data.phantoms import write_phantom as phantom
    from segmint.data.split import split_dataset as split
    from segmint.evaluation.curation.curate import curate
    from segmint.evaluation.curve.curve import draw_curve as curve
    from segmint.evaluation.evaluate import evaluate
    from segmint.evaluation.export import export_arms
    from segmint.evaluation.gate import GateOrders
    from segmint.evaluation.generator import GeneratorOrders
    from segmint.evaluation.outside import score_predictions
    from segmint.evaluation.trial import trial
    from segmint.report.build import build_report as report
    from segmint.segmentation.predict import predict
    from segmint.segmentation.train import train_for_use as train_segmenter
    from segmint.synthesis.annotate import export_images as annotate_export
    from segmint.synthesis.annotate import import_labels as annotate_import
    from segmint.synthesis.sample import sample
    from segmint.training.train import train
    from segmint.workflow.demo import demo
    from segmint.workflow.run import run_workflow as run

__all__ = [
    "GateOrders",
    "GeneratorOrders",
    "Pseudonyms",
    "__version__",
    "annotate_export",
    "annotate_import",
    "binarise",
    "convert_folders",
    "convert_layout",
    "curate",
    "curve",
    "demo",
    "evaluate",
    "export_arms",
    "get_dataset",
    "inspect",
    "phantom",
    "predict",
    "report",
    "run",
    "sample",
    "score_predictions",
    "split",
    "train",
    "train_segmenter",
    "trial",
]

_VERBS = {
    "GateOrders": ("segmint.evaluation.gate", "GateOrders"),
    "GeneratorOrders": ("segmint.evaluation.generator", "GeneratorOrders"),
    "Pseudonyms": ("segmint.data.convert", "Pseudonyms"),
    "annotate_export": ("segmint.synthesis.annotate", "export_images"),
    "annotate_import": ("segmint.synthesis.annotate", "import_labels"),
    "binarise": ("segmint.data.binarise", "binarise_dataset"),
    "convert_folders": ("segmint.data.convert", "convert_folders"),
    "convert_layout": ("segmint.data.convert", "convert_layout"),
    "curate": ("segmint.evaluation.curation.curate", "curate"),
    "curve": ("segmint.evaluation.curve.curve", "draw_curve"),
    "demo": ("segmint.workflow.demo", "demo"),
    "export_arms": ("segmint.evaluation.export", "export_arms"),
    "get_dataset": ("segmint.data.get", "get_dataset"),
    "evaluate": ("segmint.evaluation.evaluate", "evaluate"),
    "inspect": ("segmint.data.inspect", "inspect_dataset"),
    "phantom": ("segmint.data.phantoms", "write_phantom"),
    "predict": ("segmint.segmentation.predict", "predict"),
    "report": ("segmint.report.build", "build_report"),
    "run": ("segmint.workflow.run", "run_workflow"),
    "sample": ("segmint.synthesis.sample", "sample"),
    "score_predictions": ("segmint.evaluation.outside", "score_predictions"),
    "split": ("segmint.data.split", "split_dataset"),
    "train": ("segmint.training.train", "train"),
    "train_segmenter": ("segmint.segmentation.train", "train_for_use"),
    "trial": ("segmint.evaluation.trial", "trial"),
}


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, function = _VERBS[name]
    verb = getattr(import_module(module), function)
    # That import put a package of the verb's name in its place where there is one (see `segmint.report`): from the first
    # time on it is that which is found.
    return globals().get(name, verb)


def __dir__() -> list[str]:
    return sorted({*globals(), *_VERBS})
