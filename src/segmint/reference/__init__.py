"""What real data teaches: nearest neighbours of synthetic images, a segmenter."""
