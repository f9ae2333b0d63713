"""The same model six times, each recorded by somebody else."""
