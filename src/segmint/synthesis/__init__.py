"""Drawing pairs from a finished run and writing them as a dataset."""
