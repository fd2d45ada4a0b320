"""Whether synthetic pairs make a segmenter better: trials, statistics, verdict."""
