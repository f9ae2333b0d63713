"""Peers from PyPI, in an environment of their own: what runs in their Python, and what makes it (`environment`)."""
