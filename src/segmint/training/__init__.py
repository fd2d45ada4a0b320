"""ONE loop for every stage: budget, averages, checkpoints, resume, health, progress."""
