"""The Python API: one documented function for each verb, imported when it is first used."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import segmint

VERBS = sorted(set(segmint.__all__) - {"__version__"})


def test_every_verb_is_a_documented_function() -> None:
    code = (
        f"import inspect, segmint; verbs = [getattr(segmint, verb) for verb in {VERBS}];"
        " assert all(inspect.getdoc(verb) and callable(verb) for verb in verbs)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert set(VERBS) <= set(dir(segmint))


def test_the_verb_report_works_whether_or_not_its_package_was_imported(tmp_path: Path) -> None:
    for first in ("", "import segmint.report.build; "):
        code = f"{first}import segmint; segmint.report({str(tmp_path / 'absent')!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "UserError" in done.stderr
        assert "is not a folder" in done.stderr


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import sys, segmint; print(sorted(m for m in sys.modules if m.startswith('segmint.') or m in ('torch', 'numpy')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'mint'"):
        _ = segmint.mint  # type: ignore[attr-defined]


def test_versions_agree() -> None:
    assert metadata.version("segmint") == segmint.__version__
    citation = (Path(__file__).parents[1] / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {segmint.__version__}\n" in citation
