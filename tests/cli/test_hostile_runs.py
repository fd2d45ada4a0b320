"""Runs from strangers: whatever they hold, no verb runs code of theirs or writes where it was not told to."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from pathlib import Path

import pytest
from tests.cli.conftest import Refused, Watch
from tests.cli.hostile import Exploit, change, replace_weights, resumed, sampled


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
        (("grid", "orientation"), "../"),
        (("grid", "orientation"), "RRR"),
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
