"""segmint trains a generator on few labelled medical images, mints image + mask pairs, and measures whether they help.

Every verb of the command line is one function here; each is imported when it is first used, so that `import segmint`
is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from segmint.data.binarise import binarise_dataset as binarise
    from segmint.data.convert import convert_folders, convert_layout
    from segmint.data.inspect import inspect_dataset as inspect
    from segmint.data.phantoms import write_phantom as phantom
    from segmint.data.split import split_dataset as split
    from segmint.evaluation.evaluate import evaluate
    from segmint.evaluation.trial import trial
    from segmint.report.build import build_report as report
    from segmint.synthesis.annotate import export_images as annotate_export
    from segmint.synthesis.annotate import import_labels as annotate_import
    from segmint.synthesis.sample import sample
    from segmint.training.train import train
    from segmint.workflow.demo import demo
    from segmint.workflow.run import run_workflow as run

__all__ = [
    "__version__",
    "annotate_export",
    "annotate_import",
    "binarise",
    "convert_folders",
    "convert_layout",
    "demo",
    "evaluate",
    "inspect",
    "phantom",
    "report",
    "run",
    "sample",
    "split",
    "train",
    "trial",
]

_VERBS = {
    "annotate_export": ("segmint.synthesis.annotate", "export_images"),
    "annotate_import": ("segmint.synthesis.annotate", "import_labels"),
    "binarise": ("segmint.data.binarise", "binarise_dataset"),
    "convert_folders": ("segmint.data.convert", "convert_folders"),
    "convert_layout": ("segmint.data.convert", "convert_layout"),
    "demo": ("segmint.workflow.demo", "demo"),
    "evaluate": ("segmint.evaluation.evaluate", "evaluate"),
    "inspect": ("segmint.data.inspect", "inspect_dataset"),
    "phantom": ("segmint.data.phantoms", "write_phantom"),
    "report": ("segmint.report.build", "build_report"),
    "run": ("segmint.workflow.run", "run_workflow"),
    "sample": ("segmint.synthesis.sample", "sample"),
    "split": ("segmint.data.split", "split_dataset"),
    "train": ("segmint.training.train", "train"),
    "trial": ("segmint.evaluation.trial", "trial"),
}


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, function = _VERBS[name]
    return getattr(import_module(module), function)


def __dir__() -> list[str]:
    return sorted({*globals(), *_VERBS})
