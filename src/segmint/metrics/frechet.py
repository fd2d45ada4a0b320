"""Fréchet distance between two sets of features, as if both were normal [Heusel 2017, section 4, equation 6].

||m1 - m2||^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)) of means m and covariances S. From n images it is too large by about c / n, since the
covariances of few images differ by chance; `frechet_infinity` takes that away [Chong and Forsyth 2020, section 3].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

NAME, DIRECTION, RANGE = "frechet_distance", "lower", (0.0, float("inf"))
# Without the bias it may fall a little below 0 by chance.
NAME_INFINITY, RANGE_INFINITY = "frechet_infinity", (float("-inf"), float("inf"))

# Shares of the images that the line is fitted to, and draws at each of them but the whole.
_SHARES, _DRAWS = (1.0, 0.85, 0.7, 0.6, 0.5), 6

# Subjects of each set that a line can be fitted over.
FEWEST_SUBJECTS = 4

Features = NDArray[np.float64]


@dataclass(frozen=True)
class Extrapolated:
    """A Fréchet distance as it would be of infinitely many images.

    Attributes:
        value: where the line through `distances` against 1 / `sizes` meets 0.
        sizes: mean number of images of the two sets at each point of the line; distances: mean distance at each.
    """

    value: float
    sizes: tuple[float, ...]
    distances: tuple[float, ...]


def frechet_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Distance between features [n, D] and [m, D]; n and m may be smaller than D.

    The trace of (S1 S2)^(1/2) is the sum of the singular values of R1 R2^T, where R^T R = S comes from a QR decomposition of
    the centred features: no root of a matrix that may be singular, and nothing imaginary to be cut off.

    Raises:
        ValueError: the shapes do not fit, or a set has fewer than 2 images.
    """
    ours, theirs = _checked(first, second)
    return _distance(_root(ours), ours.mean(axis=0), _root(theirs), theirs.mean(axis=0))


def frechet_infinity(
    first: ArrayLike,
    second: ArrayLike,
    *,
    first_units: NDArray[np.integer] | None = None,
    second_units: NDArray[np.integer] | None = None,
    seed: int = 0,
) -> Extrapolated:
    """The distance without its small-sample bias: a line in 1 / n over shares of both sets, taken to 1 / n = 0.

    Images of one subject resemble one another, so it is the number of subjects that the bias falls with: whole subjects are
    drawn, those that come first in an order that hangs on their number alone. So a set that has lost a few of them is drawn from as
    it was before, and leaving groups out in turn tells of the subjects, not of the draws.

    Args:
        first, second: [n, D] and [m, D].
        first_units, second_units: the subject of each image, from 0; None: each is one.
        seed: of the draws.

    Raises:
        ValueError: as `frechet_distance`, or a set has fewer than 4 subjects.
    """
    ours, theirs = _checked(first, second)
    sides = [
        _members(ours, np.arange(len(ours)) if first_units is None else first_units, np.random.default_rng([seed, 0])),
        _members(
            theirs, np.arange(len(theirs)) if second_units is None else second_units, np.random.default_rng([seed, 1])
        ),
    ]
    if min(side.subjects for side in sides) < FEWEST_SUBJECTS:
        raise ValueError(f"at least {FEWEST_SUBJECTS} subjects on either side are needed to extrapolate")
    sizes, distances, shares = [], [], []
    for share in _SHARES:
        drawn = [[side.some(share, draw) for side in sides] for draw in range(1 if share == 1 else _DRAWS)]
        sizes.append(float(np.mean([len(one) for pair in drawn for one in pair])))
        distances.append(float(np.mean([frechet_distance(*pair) for pair in drawn])))
        shares.append(float(np.mean([side.share(share) for side in sides])))
    _, start = np.polyfit(1 / np.array(shares), distances, 1)
    return Extrapolated(float(start), tuple(sizes), tuple(distances))


def _checked(first: ArrayLike, second: ArrayLike) -> tuple[Features, Features]:
    ours, theirs = (np.asarray(one, dtype=np.float64) for one in (first, second))
    if ours.ndim != 2 or theirs.ndim != 2 or ours.shape[1] != theirs.shape[1] or min(len(ours), len(theirs)) < 2:
        raise ValueError(f"features [n, D] of at least 2 images were expected, not {ours.shape} and {theirs.shape}")
    return ours, theirs


def _root(features: Features) -> Features:
    """R [min(n, D), D] with R^T R the covariance."""
    centred = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    return np.asarray(np.linalg.qr(centred, mode="r"))


def _distance(ours: Features, our_mean: Features, theirs: Features, their_mean: Features) -> float:
    together = np.linalg.svd(ours @ theirs.T, compute_uv=False).sum()
    value = np.square(our_mean - their_mean).sum() + np.square(ours).sum() + np.square(theirs).sum() - 2 * together
    return max(0.0, float(value))


@dataclass(frozen=True)
class _Members:
    """A set of images, of which whole subjects are drawn.

    Attributes:
        features: [n, D]; subject_of: [n] position of each image's subject among all; ranks: [subjects, draws] of each in a draw.
    """

    features: Features
    subject_of: NDArray[np.int64]
    ranks: NDArray[np.int64]

    @property
    def subjects(self) -> int:
        return len(self.ranks)

    def some(self, share: float, draw: int) -> Features:
        """Features of a share of the subjects."""
        if share == 1:
            return self.features
        return np.asarray(self.features[self.ranks[self.subject_of, draw] < self._count(share)])

    def share(self, share: float) -> float:
        """The share that a whole number of subjects makes."""
        return self._count(share) / self.subjects

    def _count(self, share: float) -> int:
        return max(2, round(share * self.subjects))


def _members(features: Features, units: NDArray[np.integer], generator: np.random.Generator) -> _Members:
    numbers, subject_of = np.unique(units, return_inverse=True)
    # A row a number, so that who else is in the set changes nothing for a subject.
    keys = generator.random((int(numbers.max()) + 1, _DRAWS))[numbers]
    return _Members(features, subject_of.astype(np.int64), np.argsort(np.argsort(keys, axis=0), axis=0))
