"""Files of deposits and withdrawals: read, previewed, posted once through the ledger, and remembered."""
