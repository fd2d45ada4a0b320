"""The parts of a trial that do not need one another, each a job: run in order, in local processes, or on a cluster."""
