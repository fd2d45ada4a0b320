"""Kullback-Leibler divergence of a variational autoencoder's latents [Kingma 2014, appendix B]."""

from __future__ import annotations

from torch import Tensor


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) in nats: summed over latents [N, L], mean over the batch."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean() / 2
