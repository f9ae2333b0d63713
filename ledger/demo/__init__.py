"""Demo data: a believable bank, the same for the same seed, through the ledger's own door.

`staff` makes the logins, `markets` says where the bank is and `people` who banks there, `kinds` and `story` what happens to
an account, `scenes` what happens between accounts, is taken back or held, `requests` what waits for approval; `load` puts it
into the ledger.
"""
