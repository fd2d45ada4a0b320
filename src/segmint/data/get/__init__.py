"""Openly licensed datasets, fetched from where they are published."""

from segmint.data.get.dataset import get_dataset

__all__ = ["get_dataset"]
