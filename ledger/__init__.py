"""The ledger: accounts, their immutable actions, and the rules between them."""
