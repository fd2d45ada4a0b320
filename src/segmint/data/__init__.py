"""Datasets, readers of foreign layouts, phantoms, splits and slices. Nothing here imports torch."""
