"""Models that only tests use: a small library with every kind of dependence on a shelf."""
