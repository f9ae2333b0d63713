"""Commands on several objects: what was confirmed, done row by row, in the request or behind it, and what became of each."""
