"""The analysts' sandbox: the console once more, on a masked copy of live that nothing real depends on."""
