"""The project: what the console stands on, whatever it is a console of."""
