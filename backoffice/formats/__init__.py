"""How the console writes dates: by the day's name for the month, and on a clock of 24 hours."""
