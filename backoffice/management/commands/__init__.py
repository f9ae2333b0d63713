"""The base's commands."""
