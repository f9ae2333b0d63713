"""The way of the article that the rules come from, in plain Django: an app of its own, known only to benches."""
