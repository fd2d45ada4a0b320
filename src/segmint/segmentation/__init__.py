"""Segmenters for use: trained on real pairs, with synthetic ones or without, and applied to images of one's own."""
