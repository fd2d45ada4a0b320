"""DICOM series with DICOM segmentations: which files belong together, where they lie, and what they hold."""
