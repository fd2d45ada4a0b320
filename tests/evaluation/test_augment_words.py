from __future__ import annotations

from segmint.evaluation.augment_words import augmentation_of, augmentation_words


def test_kinds_are_joined() -> None:
    assert augmentation_words(()) == "none"
    assert augmentation_words(["strong", "copypaste"]) == "strong and copypaste"
    assert augmentation_words(None) == "not known"


def test_of_trials_of_all_versions() -> None:
    assert augmentation_of({"steps": 800, "augment": ["elastic"]}) == "elastic"
    assert augmentation_of({"steps": 800, "augment": []}) == augmentation_of({"steps": 800}) == "none"
    # Those of segmenters trained elsewhere said once that there was none.
    assert (
        augmentation_of({"steps": None, "augment": []})
        == augmentation_of({"steps": None, "augment": None})
        == "not known"
    )
