"""Splits are by subject, seeded, and stored where the user wants them."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import forget_sidecar

from segmint.data.dataset import Split, Subset, open_dataset
from segmint.data.slices import SliceRecord, open_slices
from segmint.data.split import make_split, nested_subsets, slice_subset, split_dataset, split_from_file, write_split
from segmint.errors import UserError

MakeDataset = Callable[..., Path]
EIGHT = {"shapes": [(6, 8)] * 8, "subjects": ["a", "a", "b", "c", "d", "e", "f", "g"]}


@settings(deadline=None, max_examples=60)
@given(
    count=st.integers(3, 60),
    seed=st.integers(0, 2**31),
    shares=st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9)),
)
def test_no_subject_is_in_two_parts_and_none_is_lost(count: int, seed: int, shares: tuple[int, int, int]) -> None:
    total = sum(shares)
    fractions = (shares[0] / total, shares[1] / total, shares[2] / total)
    names = [f"p{number}" for number in range(count)]
    split = make_split(names, seed=seed, fractions=fractions)
    assert sorted((*split.train, *split.validation, *split.test)) == sorted(names)
    for part, share in zip((split.train, split.validation, split.test), fractions, strict=True):
        assert abs(len(part) - share * count) < 2
        assert bool(part) == (share > 0)
    shuffled = list(np.random.default_rng(0).permutation(names))
    assert make_split(shuffled, seed=seed, fractions=fractions) == split


def test_seeds_make_different_splits() -> None:
    names = [f"p{number}" for number in range(20)]
    assert len({make_split(names, seed=seed) for seed in range(5)}) == 5
    split = make_split(names, seed=0)
    assert (len(split.train), len(split.validation), len(split.test)) == (14, 2, 4)


def test_too_few_subjects_or_wrong_fractions_are_refused() -> None:
    with pytest.raises(UserError, match="2 subjects cannot be split into 3 parts"):
        make_split(["a", "b"], seed=0)
    with pytest.raises(UserError, match="add up to 1"):
        make_split(["a", "b", "c"], seed=0, fractions=(0.5, 0.1, 0.2))


def test_a_subject_in_two_parts_is_refused() -> None:
    with pytest.raises(ValueError, match='"b" is in both validation and test'):
        Split(("a",), ("b",), ("b", "c"))


@settings(deadline=None, max_examples=30)
@given(count=st.integers(1, 30), seed=st.integers(0, 999), data=st.data())
def test_subsets_lie_within_each_other(count: int, seed: int, data: st.DataObject) -> None:
    split = Split(tuple(f"p{number}" for number in range(count)))
    counts = sorted(data.draw(st.sets(st.integers(1, count), min_size=1, max_size=4)))
    subsets = nested_subsets(split, [*counts, "all"], seed=seed)
    assert list(subsets) == [*(str(one) for one in counts), "all"]
    chosen = [set(subset.subjects) for subset in subsets.values()]
    assert [len(one) for one in chosen] == [*counts, count]
    assert all(one <= other for one, other in pairwise(chosen))
    assert nested_subsets(split, [counts[0]], seed=seed)[str(counts[0])] == subsets[str(counts[0])]


@pytest.mark.parametrize("wrong", [0, 4, "some", -1, "1.5"])
def test_impossible_subsets_are_refused(wrong: int | str) -> None:
    with pytest.raises(UserError, match="from 1 to 3"):
        nested_subsets(Split(("a", "b", "c")), [wrong], seed=0)


def test_slices_are_drawn_by_seed() -> None:
    records = [SliceRecord(f"c{one}", f"s{one % 3}", one, True) for one in range(30)]
    small, large = (slice_subset(records, n=n, seed=1) for n in (5, 12))
    assert (small.name, len(small.slices or ())) == ("5-slices", 5)
    assert set(small.slices or ()) <= set(large.slices or ())
    assert slice_subset(records[::-1], n=5, seed=1) == small
    assert slice_subset(records, n=5, seed=2) != small
    with pytest.raises(UserError, match="there are 30"):
        slice_subset(records, n=31, seed=0)


def test_splitting_stores_a_split_and_subsets(make_dataset: MakeDataset) -> None:
    folder = make_dataset(**EIGHT)
    identity = open_dataset(folder).identity
    dataset = split_dataset(folder, seed=3, subsets=["2", "all"])
    assert dataset.split == make_split(list("abcdefg"), seed=3)
    assert list(dataset.subsets) == ["2", "all"]
    assert dataset.identity == identity
    assert open_dataset(folder).split == dataset.split
    assert dataset.cases[0].subject == "a"
    assert dataset.licence == "CC0"


def test_a_stored_split_is_not_replaced_silently(make_dataset: MakeDataset) -> None:
    folder = make_dataset(**EIGHT)
    first = split_dataset(folder, seed=0, subsets=["2"])
    with pytest.raises(UserError, match="holds a split already"):
        split_dataset(folder, seed=1)
    assert open_dataset(folder).split == first.split
    more = split_dataset(folder, seed=1, subsets=["3"])
    assert more.split == first.split
    assert sorted(more.subsets) == ["2", "3"]
    again = split_dataset(folder, seed=1, overwrite=True)
    assert again.split == make_split(list("abcdefg"), seed=1)
    assert again.subsets == {}


def test_fractions_are_refused_where_no_split_is_dealt_out(make_dataset: MakeDataset, tmp_path: Path) -> None:
    folder = make_dataset(**EIGHT)
    halves = (0.5, 0.25, 0.25)
    (tmp_path / "mine.json").write_text(json.dumps({"train": ["a", "c"], "val": ["b"], "test": ["g"]}))
    with pytest.raises(UserError, match=r"--fractions .* --file .* gives one"):
        split_dataset(folder, file=tmp_path / "mine.json", fractions=halves)
    first = split_dataset(folder, seed=0, subsets=["2"], fractions=halves)
    assert first.split == make_split(list("abcdefg"), seed=0, fractions=halves)
    for out in (None, tmp_path / "out"):
        with pytest.raises(UserError, match=r"--fractions .* has one, which --subsets keeps"):
            split_dataset(folder, subsets=["3"], fractions=halves, out=out)
    assert open_dataset(folder).subsets == first.subsets
    anew = split_dataset(folder, seed=1, subsets=["3"], fractions=halves, overwrite=True)
    assert anew.split == make_split(list("abcdefg"), seed=1, fractions=halves)


def test_a_dataset_without_sidecar_gets_one(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    forget_sidecar(folder)
    assert split_dataset(folder, seed=0).split is not None


def test_subjects_can_be_found_in_case_ids(make_dataset: MakeDataset) -> None:
    folder = make_dataset(shapes=[(6, 8)] * 12)
    forget_sidecar(folder)
    dataset = split_dataset(folder, seed=0, subject=r"case(\d)")
    assert dataset.subjects == tuple("0123456789")
    assert [case.id for case in dataset.cases_of(["1"])] == ["case1", "case10", "case11"]
    with pytest.raises(UserError, match="by other subjects already"):
        split_dataset(folder, seed=0, subject=r"case\d+")
    with pytest.raises(UserError, match="finds no subject"):
        split_dataset(folder, subject="patient")
    with pytest.raises(UserError, match="is not valid"):
        split_dataset(folder, subject="(")


def test_a_split_of_ones_own(make_dataset: MakeDataset, tmp_path: Path) -> None:
    folder = make_dataset(**EIGHT)
    (tmp_path / "mine.json").write_text(json.dumps({"train": ["a", "c"], "val": ["b"], "test": ["g"]}))
    dataset = split_dataset(folder, file=tmp_path / "mine.json", subsets=["1"])
    assert dataset.split == Split(("a", "c"), ("b",), ("g",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "must hold one JSON object"),
        ({"train": ["a"], "holdout": ["b"]}, 'has the key "holdout"'),
        ({"train": ["a"], "val": ["b"], "validation": ["c"]}, "each once"),
        ({"train": "a"}, 'list the subjects of "train"'),
        ({"train": ["a"], "test": ["z"]}, 'puts "z" in test, but .* has no such subject: check the spelling'),
        ({"train": ["case1"]}, 'it is a case of the subject "a"'),
        ({"train": ["a", "b"], "test": ["b"]}, '"b" is in both train and test'),
        ({"test": ["b"]}, "it names no train"),
        ({"train": [], "test": ["b"]}, "no subject in train"),
    ],
)
def test_a_wrong_split_file_is_refused(make_dataset: MakeDataset, tmp_path: Path, content: object, said: str) -> None:
    folder = make_dataset(**EIGHT)
    (tmp_path / "mine.json").write_text(json.dumps(content))
    before = (folder / "segmint.json").read_text()
    with pytest.raises(UserError, match=said):
        split_dataset(folder, file=tmp_path / "mine.json")
    assert (folder / "segmint.json").read_text() == before
    with pytest.raises(UserError, match="does not exist"):
        split_from_file(tmp_path / "none.json", open_dataset(folder))


def test_a_split_beside_a_folder_that_must_not_change(make_dataset: MakeDataset, tmp_path: Path) -> None:
    folder = make_dataset(**EIGHT)
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    pointing = split_dataset(folder, seed=0, subsets=["2"], out=tmp_path / "deep" / "split")
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before
    original = open_dataset(folder)
    assert pointing.identity == original.identity
    assert pointing.split is not None
    assert np.array_equal(open_slices(pointing, size=8).images, open_slices(original, size=8).images)
    assert sorted(path.name for path in pointing.root.iterdir()) == ["dataset.json", "segmint.json"]
    with pytest.raises(UserError, match="exists already"):
        split_dataset(folder, out=tmp_path / "deep" / "split")
    (tmp_path / "deep").rename(tmp_path / "moved")
    with pytest.raises(UserError, match="does not exist"):
        split_dataset(tmp_path / "deep" / "split")


def test_a_subset_of_slices_can_be_stored(make_dataset: MakeDataset) -> None:
    folder = make_dataset(**EIGHT)
    dataset = split_dataset(folder, seed=0)
    assert dataset.split is not None
    slices = open_slices(dataset, size=8)
    drawn = slice_subset([slices.records[one] for one in slices.indices(dataset.split.train)], n=3, seed=0)
    write_split(folder, None, {drawn.name: drawn})
    stored = open_dataset(folder)
    assert stored.split == dataset.split
    assert stored.subsets["3-slices"] == drawn
    assert len(slices.subset_indices(drawn)) == 3
    with pytest.raises(UserError, match='a subset "3-slices" already'):
        write_split(folder, None, {"3-slices": Subset("3-slices", drawn.subjects)})


def test_the_hippocampus_is_split_without_touching_it(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    folder = real_data("msd-hippocampus")
    names = open_dataset(folder).subjects
    own = {"train": names[:80], "validation": names[80:90], "test": names[90:]}
    (tmp_path / "own.json").write_text(json.dumps(own))
    dataset = split_dataset(folder, file=tmp_path / "own.json", subsets=["10", "all"], out=tmp_path / "split")
    assert dataset.identity == open_dataset(folder).identity
    assert dataset.split is not None
    assert dataset.split.test == names[90:]
    assert set(dataset.subsets["10"].subjects) < set(names[:80])
    assert dataset.read_image(dataset.cases[3]).ndim == 4


def test_finding_subjects_makes_images_subjects(make_dataset: MakeDataset) -> None:
    folder = make_dataset(subject_kind="image")
    assert split_dataset(folder, fractions=(0.5, 0.25, 0.25)).subject_kind == "image"
    found = split_dataset(folder, subject=r"\d", fractions=(0.5, 0.25, 0.25), overwrite=True)
    assert (found.subjects, found.subject_kind) == (("0", "1", "2", "3"), "subject")
