"""Template tags of the ledger."""
