"""Benches: one module a question, ratios measured side by side in one run."""
