"""Are synthetic images nearer to training images than new real ones are? The chance of it, in one number."""

from __future__ import annotations

from segmint.evaluation.evidence import Evidence
from segmint.reference.feature_distance import FeatureSearch
from segmint.reference.random_features import RandomFeatures

# Images of either side that are sought among the training images; places a side in whose features.
_SOUGHT, _CELLS = 500, 4


def chance_of_nearer(evidence: Evidence, *, seed: int = 0) -> float:
    """The chance that a synthetic image is nearer to its nearest training image than a new real image is to its own.

    By distance in the features of a network that was never trained, over all pairs of a synthetic and a new image
    [Mann and Whitney 1947, Ann Math Stat 18(1)].

    Returns:
        0.5 where they are alike, 1 where every synthetic image is nearer; NaN without images of subjects that the generator
        has not seen.
    """
    training, unseen = evidence.pictured, evidence.unseen
    if unseen is None:
        return float("nan")
    network = RandomFeatures(len(training.dataset.channel_names), cells=_CELLS)
    search = FeatureSearch(network, training.images, training.indices, turned=False)
    ours, theirs = (
        search.nearest(some.slices.images, some.indices)
        for some in (one.some(_SOUGHT, seed=seed) for one in (evidence.synthetic, unseen))
    )
    return float((ours[:, None] < theirs).mean() + 0.5 * (ours[:, None] == theirs).mean())
