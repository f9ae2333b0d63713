"""Who saw and did what: captured changes, recorded events, and the store that only takes in."""
