"""The same model seven times, each recorded by somebody else."""
