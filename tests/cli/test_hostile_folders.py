"""Folders from strangers: whatever they hold, no verb runs code of theirs or writes where it was not told to."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmint.cli.main import main

_RUNS_CODE = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "pickle.find_class",
    "ctypes.dlopen",
)
_WRITES = (
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.truncate",
    "os.symlink",
    "os.link",
    "os.chmod",
    "shutil.rmtree",
)


class Watch:
    """Notes, by an audit hook of the interpreter (PEP 578), code that is started and files that are written."""

    def __init__(self) -> None:
        self.noting = False
        self.ran: list[str] = []
        self.written: list[Path] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.noting:
            return
        if event in _RUNS_CODE or (event == "import" and str(arguments[0]).startswith("stranger")):
            self.ran.append(f"{event} {arguments}")
        writes = (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        )
        if (event in _WRITES or writes) and isinstance(arguments[0], str | bytes | os.PathLike):
            path, of_folder = Path(os.fsdecode(arguments[0])), arguments[-1]
            if event in ("os.remove", "os.rmdir", "os.mkdir") and of_folder != -1:
                path = Path(os.readlink(f"/proc/self/fd/{of_folder}")) / path  # noqa: PTH115
            self.written.append(path.absolute())


@pytest.fixture(scope="session")
def _hook() -> Watch:
    watch = Watch()
    sys.addaudithook(watch)
    return watch


@pytest.fixture
def watch(_hook: Watch) -> Iterator[Watch]:
    _hook.ran, _hook.written, _hook.noting = [], [], False
    yield _hook
    _hook.noting = False


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of the user's that nobody named."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    return folder


@pytest.fixture
def stranger(tmp_path: Path, discs_run: Path) -> Path:
    """A run that can be changed. Its dataset lies where it lay."""
    return Path(shutil.copytree(discs_run, tmp_path / "stranger"))


Refused = Callable[..., str]


@pytest.fixture
def harmless(watch: Watch, victim: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command: it ends with code 0, or with 2 and one sentence; nothing is run, nothing else is written."""

    def check(*words: object, writes: Path | None = None, codes: tuple[int, ...] = (0, 2)) -> str:
        capsys.readouterr()
        out = tmp_path / "out"
        watch.ran, watch.written, watch.noting = [], [], True
        code = main([str(word) for word in words])
        watch.noting = False
        said = capsys.readouterr().err
        assert "Traceback" not in said, said
        assert code in codes, said
        sentences = [line for line in said.splitlines() if line.startswith("segmint: ")]
        assert len(sentences) == (code == 2), said
        assert watch.ran == []
        places = [out, tmp_path / ".out", Path(os.environ["SEGMINT_CACHE"]), *([writes] if writes is not None else [])]
        assert [path for path in watch.written if not _within(path, places)] == []
        assert (victim / "thesis.txt").read_text() == "years of work"
        assert [path.name for path in victim.iterdir()] == ["thesis.txt"]
        shutil.rmtree(out, ignore_errors=True)
        return sentences[0] if sentences else ""

    return check


def _within(path: Path, places: list[Path]) -> bool:
    """Whether the file lies in one of the places, links followed, or beside one under a name made of its own."""
    real = path.parent.resolve() / path.name
    # What Python and its libraries write for themselves.
    if "__pycache__" in real.parts or real == Path("/dev/null"):
        return True
    # Folders that are there are "made" again, with leave to exist.
    if any(place.resolve().is_relative_to(real) for place in places) and real.is_dir():
        return True
    return any(str(real).startswith(str(place.resolve())) for place in places)


def change(path: Path, *keys: str | int, value: Any) -> None:
    """Replace one entry of a JSON file."""
    content = json.loads(path.read_text())
    at = content
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = value
    path.write_text(json.dumps(content))


def replace_weights(run: Path, content: bytes) -> None:
    """Other weights, with a hash that is right."""
    for last in run.glob("stages/*/checkpoints/*.json"):
        entry = json.loads(last.read_text())
        (last.parent / entry["weights"]).write_bytes(content)
        change(last, "sha256", value=hashlib.sha256(content).hexdigest())


def resumed(run: Path) -> list[object]:
    """The command that goes on with the run."""
    dataset = json.loads((run / "config.json").read_text())["dataset"]["path"]
    settings = ["--set", "latent_size=8", "--set", "width_base=128", "--set", "width_maximum=8"]
    size = [
        "--size",
        "32",
        "--kimg",
        "0.016",
        "--batch",
        "4",
        "--threads",
        "1",
        "--precision",
        "float32",
        "--device",
        "cpu",
    ]
    return ["train", "joint-stylegan2", dataset, "--out", run, *size, *settings, "--resume"]


def sampled(run: Path, out: Path) -> list[object]:
    """The command that draws from the run."""
    return ["sample", run, "--n", "1", "--out", out, "--device", "cpu"]


class Exploit:
    """What unpickling it would do."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"rm {self.victim}/thesis.txt",)


def test_the_watch_notices(watch: Watch, tmp_path: Path) -> None:
    watch.noting = True
    with pytest.raises(FileNotFoundError):
        (tmp_path / "absent").rename(tmp_path / "other")
    (tmp_path / "made").touch()
    pickle.loads(pickle.dumps(Exploit(tmp_path)))
    watch.noting = False
    assert tmp_path / "made" in watch.written
    assert tmp_path / "absent" in watch.written
    assert {one.split()[0] for one in watch.ran} == {"pickle.find_class", "os.system"}


def test_a_run_as_it_should_be(stranger: Path, harmless: Refused, tmp_path: Path) -> None:
    harmless(*sampled(stranger, tmp_path / "out"), codes=(0,))
    harmless(*resumed(stranger), writes=stranger, codes=(0,))
    harmless("report", stranger, writes=stranger, codes=(0,))


def _tensor_of(shape: list[int], offsets: list[int]) -> bytes:
    header = json.dumps({"stage/x": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(16)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2**40) + b"{}",
        struct.pack("<Q", 2) + b"{]",
        struct.pack("<Q", 100_000) + b"[" * 100_000,
        _tensor_of([10**15], [0, 4 * 10**15]),
        _tensor_of([2**32, 2**32], [0, 16]),
        _tensor_of([4], [0, 10**9]),
        _tensor_of([4], [16, 0]),
        _tensor_of([4], [0, 16]),
    ],
)
def test_weights_that_are_none(content: bytes, stranger: Path, harmless: Refused, tmp_path: Path) -> None:
    replace_weights(stranger, content)
    harmless(*sampled(stranger, tmp_path / "out"), codes=(2,))


def test_a_pickle_is_never_read(stranger: Path, victim: Path, harmless: Refused, tmp_path: Path) -> None:
    exploit = pickle.dumps({"stage/x": Exploit(victim)})
    replace_weights(stranger, exploit)
    for name in ("last.pt", "last.pkl", "stage.ckpt", "config.pkl", "data.npy"):
        (stranger / name).write_bytes(exploit)
        (next(stranger.glob("stages/*/checkpoints")) / name).write_bytes(exploit)
    for words in (sampled(stranger, tmp_path / "out"), resumed(stranger)):
        harmless(*words, writes=stranger, codes=(2,))
    harmless("report", stranger, writes=stranger)


@pytest.mark.slow
def test_optimizer_state_of_other_sizes_never_reaches_a_kernel(stranger: Path, harmless: Refused) -> None:
    """The fused kernels of torch take the sizes on trust."""
    from safetensors.torch import load_file, save

    (last,) = stranger.glob("stages/*/checkpoints/last.json")
    tensors = load_file(last.parent / json.loads(last.read_text())["weights"])
    name = next(name for name in tensors if name.endswith("exp_avg") and tensors[name].numel() > 4)
    for changed in (
        tensors[name].flatten()[:1].clone(),
        tensors[name][None],
        tensors[name].half(),
        tensors[name].sum(),
    ):
        replace_weights(stranger, save({**tensors, name: changed}))
        change(stranger / "state.json", "status", value="running")
        assert "does not fit its settings" in harmless(*resumed(stranger), writes=stranger, codes=(2,))


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        *[
            (keys, name)
            for keys in (("parts", -1, "recipe"), ("recipe",))
            for name in (
                "os",
                "os.system",
                "segmint.recipes.unet",
                "builtins:eval",
                "stranger",
                "../../stranger.py",
                "unet\0",
                "",
            )
        ],
        (("parts", -1, "preset"), "__class__"),
        (("parts", -1, "role"), "os.system"),
        (("parts", -1, "settings"), {"_target_": "os.system", "command": "id"}),
        (("parts", -1, "settings", "latent_size"), "__import__('os').system('id')"),
        (("parts", -1, "settings", "width_maximum"), 2**40),
        (("parts", -1, "settings", "latent_size"), 2**24),
        (("parts", -1, "task", "size"), 10**9),
        (("parts", -1, "task", "size"), 33),
        (("parts", -1, "task", "image_channels"), 10**6),
        (("parts", -1, "task", "label_count"), 200),
        (("parts",), []),
        (("size",), 10**12),
        (("mask_source",), "os.system"),
        (("conditions",), {"../../victim/x": ["background", "x"]}),
        (("auxiliary",), {"map": "../../victim/x"}),
        (("dataset", "file_ending"), "/../../victim/x.py"),
        (("dataset", "file_ending"), ".py"),
        (("dataset", "channel_names"), []),
        (("dataset", "rgb"), True),
        (("grid", "reference_shape"), [10**6, 10**6]),
        (("grid", "reference_shape"), [-1, 10]),
        (("grid", "scale"), 1e-300),
        (("grid", "spacing"), [0, 0, 0]),
        (("grid", "intensity", 0, "low"), 1e300),
        (("labels_seen",), "everything"),
        (("seed",), -1),
    ],
)
def test_settings_that_train_would_not_write(
    keys: tuple[str | int, ...], value: object, stranger: Path, harmless: Refused, tmp_path: Path
) -> None:
    change(stranger / "config.json", *keys, value=value)
    harmless(*sampled(stranger, tmp_path / "out"), codes=(2,))


@pytest.mark.parametrize(
    "name", ["../../../../victim/thesis.txt", "/etc/passwd", "", "..", ".", "absent.safetensors", "\0"]
)
def test_names_of_weights_lead_nowhere(name: str, stranger: Path, harmless: Refused, tmp_path: Path) -> None:
    for entry in stranger.glob("stages/*/checkpoints/*.json"):
        change(entry, "weights", value=name)
    harmless(*sampled(stranger, tmp_path / "out"), codes=(2,))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "",
        ".lock",
        "log.jsonl",
        "state.json",
        "config.json",
        "stages",
        "stages/00-joint/checkpoints",
        "previews",
        "losses.png",
    ],
)
def test_links_are_not_written_through(name: str, stranger: Path, victim: Path, harmless: Refused) -> None:
    link = stranger / (name or "beside")
    command = resumed(stranger)
    target = victim / "thesis.txt"
    if link.is_dir():
        shutil.copytree(link, victim.with_name("elsewhere"))
        shutil.rmtree(link)
        target = victim.with_name("elsewhere")
    elif link.is_file() and name.endswith(".json"):
        target = victim.with_name("elsewhere.json")
        shutil.copyfile(link, target)
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    before = [path.read_bytes() for path in sorted([target, *target.rglob("*")]) if path.is_file()]
    said = harmless(*command, writes=stranger, codes=(2,))
    assert "link" in said.lower()
    assert [path.read_bytes() for path in sorted([target, *target.rglob("*")]) if path.is_file()] == before
    harmless("report", stranger, writes=stranger)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["endless", "pipe", "folder"])
@pytest.mark.parametrize(
    "name", ["config.json", "state.json", "log.jsonl", "previews/reals.png", "last.json", "weights"]
)
def test_what_is_no_file_is_not_waited_for(
    name: str, kind: str, stranger: Path, harmless: Refused, tmp_path: Path
) -> None:
    (last,) = stranger.glob("stages/*/checkpoints/last.json")
    inside = {"last.json": last, "weights": last.parent / json.loads(last.read_text())["weights"]}
    path = inside.get(name, stranger / name)
    commands = [sampled(stranger, tmp_path / "out"), resumed(stranger), ["report", stranger]]
    path.unlink()
    if kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    for words in commands:
        harmless(*words, writes=stranger)


def test_a_page_carries_no_code(stranger: Path, harmless: Refused) -> None:
    code = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    for keys in (
        ("dataset", "name"),
        ("dataset", "licence"),
        ("dataset", "channel_names", 0),
        ("settings", "width_base"),
    ):
        change(stranger / "config.json", *keys, value=code)
    change(stranger / "environment.json", "cpu", value=code)
    lines = [json.loads(line) for line in (stranger / "log.jsonl").read_text().splitlines()]
    lines[0]["stage"] = lines[0]["health"] = code
    for line in lines:
        line["losses"] = {code: {code: 1.0}}
        line["health"] = [{"code": code, "message": code, "advice": code}]
    (stranger / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    harmless("report", stranger, writes=stranger, codes=(0,))
    page = (stranger / "report.html").read_text()
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_a_picture_is_never_handed_to_an_interpreter(
    stranger: Path, harmless: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow tells files by their content, and has Ghostscript run what is PostScript."""
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "gs_binary", "gs")
    for path in stranger.glob("previews/*.png"):
        path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(id) (w) file\n%%EOF\n")
    assert "is not a readable PNG" in harmless("report", stranger, writes=stranger, codes=(2,))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A dataset that lists its files, as a stranger's may."""
    folder = tmp_path / "pairs"
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    listed = {}
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 255, (16, 16)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"imagesTr/c{number}_0000.png")
        Image.fromarray((pixels > 128).astype(np.uint8)).save(folder / f"labelsTr/c{number}.png")
        listed[f"c{number}"] = {"images": [f"imagesTr/c{number}_0000.png"], "label": f"labelsTr/c{number}.png"}
    content = {
        "channel_names": {"0": "grey"},
        "labels": {"background": 0, "x": 1},
        "file_ending": ".png",
        "dataset": listed,
    }
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("case", ["../../victim/x", "/tmp/x", "..", ".x", "a/b", "a\\b", "a\0b", "a\nb", ""])
def test_cases_do_not_name_files_elsewhere(case: str, pairs: Path, harmless: Refused, tmp_path: Path) -> None:
    content = json.loads((pairs / "dataset.json").read_text())
    content["dataset"][case] = content["dataset"].pop("c3")
    (pairs / "dataset.json").write_text(json.dumps(content))
    out = tmp_path / "out"
    for words in (
        ["trial", "export", pairs, "--out", out, "--arms", "100R"],
        ["data", "binarise", pairs, "--out", out],
        ["data", "split", pairs, "--out", out],
        ["data", "inspect", pairs],
    ):
        harmless(*words, codes=(2,))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("provenance", "run"), "victim"),
        (("provenance", "run"), "/dev"),
        (("provenance", "run"), "\0"),
        (("provenance", "recipe"), "os.system"),
        (("provenance", "seed"), 10**30),
        (("cases",), {}),
        (("conditions",), {"../../victim/x": ["background", "x"]}),
        (("split",), {"train": ["../x"], "validation": [], "test": []}),
    ],
)
def test_what_a_synthetic_dataset_says_of_itself(
    keys: tuple[str, ...], value: object, discs_synthetic: Path, victim: Path, harmless: Refused, tmp_path: Path
) -> None:
    real = discs_synthetic.parent / "discs"
    synthetic = Path(shutil.copytree(discs_synthetic, tmp_path / "synthetic"))
    change(synthetic / "segmint.json", *keys, value=str(victim) if value == "victim" else value)
    out = tmp_path / "out"
    for words in (
        ["curate", real, synthetic, "--out", out, "--agreement", "0", "--device", "cpu"],
        ["evaluate", real, synthetic, "--out", out, "--no-fidelity", "--no-privacy", "--device", "cpu"],
        ["trial", "export", real, synthetic, "--out", out],
    ):
        harmless(*words)


@pytest.mark.slow
def test_a_run_that_a_dataset_names_is_no_more_trusted(
    stranger: Path, discs_synthetic: Path, harmless: Refused, tmp_path: Path
) -> None:
    synthetic = Path(shutil.copytree(discs_synthetic, tmp_path / "synthetic"))
    change(synthetic / "segmint.json", "provenance", "run", value=str(stranger))
    change(stranger / "config.json", "recipe", value="os.system")
    real = discs_synthetic.parent / "discs"
    out = tmp_path / "out"
    for words in (
        ["curate", real, synthetic, "--out", out, "--agreement", "0", "--device", "cpu"],
        ["evaluate", real, synthetic, "--out", out, "--no-fidelity", "--no-privacy", "--device", "cpu"],
    ):
        harmless(*words, codes=(2,))


@pytest.mark.slow
def test_trials_and_segmenters(discs_synthetic: Path, victim: Path, harmless: Refused, tmp_path: Path) -> None:
    real = discs_synthetic.parent / "discs"
    segmenter, trial, out = tmp_path / "segmenter", tmp_path / "trial", tmp_path / "out"
    tiny = ["--size", "32", "--steps", "2", "--batch", "2", "--device", "cpu"]
    train = ["segment", "train", real, "--out", segmenter, *tiny]
    conduct = ["trial", real, "--out", trial, "--arms", "100R", "--seeds", "1", *tiny]
    predict = ["segment", "predict", segmenter, real / "imagesTr", "--out", out, "--device", "cpu"]
    harmless(*train, writes=segmenter, codes=(0,))
    harmless(*conduct, writes=trial, codes=(0,))
    harmless(*predict, codes=(0,))
    kept = [Path(shutil.copytree(folder, tmp_path / f"kept-{folder.name}")) for folder in (segmenter, trial)]

    def restored() -> None:
        for folder, whole in zip((segmenter, trial), kept, strict=True):
            shutil.rmtree(folder)
            shutil.copytree(whole, folder)

    exploit = pickle.dumps({"stage/x": Exploit(victim)})
    for folder in (segmenter / "training", trial / "cells" / "100R-seed0"):
        replace_weights(folder, exploit)
    (trial / "cells" / "100R-seed0" / "result.json").unlink()
    harmless(*predict, codes=(2,))
    harmless(*conduct, writes=trial, codes=(2,))
    for keys, value in (
        (("recipe",), "os.system"),
        (("recipe",), "joint-stylegan2"),
        (("settings",), {"_target_": "os.system"}),
        (("settings", "width"), 2**30),
        (("settings", "levels"), 10**9),
        (("task", "size"), 10**9),
        (("task",), "os.system"),
        (("seed",), [0]),
    ):
        restored()
        change(segmenter / "training" / "config.json", *keys, value=value)
        harmless(*predict, codes=(2,))
    for name, keys, value in (
        ("settings.json", ("kind",), "os.system"),
        ("cells/100R-seed0/result.json", ("counts",), {"subject": "os.system"}),
        ("cells/100R-seed0/result.json", ("curve",), [[1]]),
        ("cells/100R-seed0/result.json", ("metrics",), {"a": {"b": "c"}}),
    ):
        restored()
        change(trial / name, *keys, value=value)
        harmless(*conduct, writes=trial, codes=(2,))
    for folder, command in ((segmenter, train), (trial, conduct)):
        restored()
        (folder / ".lock").unlink()
        (folder / ".lock").symlink_to(victim / "thesis.txt")
        harmless(*command, writes=folder, codes=(2,))


@pytest.mark.slow
def test_images_to_be_labelled(interpreted_run: Path, victim: Path, harmless: Refused, tmp_path: Path) -> None:
    run, out = Path(shutil.copytree(interpreted_run, tmp_path / "stranger")), tmp_path / "out"
    export = ["annotate", "export", run, "--n", "1", "--out", out, "--device", "cpu"]
    harmless(*export, codes=(0,))
    change(run / "config.json", "parts", -1, "settings", "members", value=10**9)
    harmless(*export, codes=(2,))
    shutil.copyfile(interpreted_run / "config.json", run / "config.json")
    replace_weights(run, pickle.dumps({"stage/x": Exploit(victim)}))
    harmless(*export, codes=(2,))
    harmless("annotate", "import", run, victim, writes=run, codes=(2,))
