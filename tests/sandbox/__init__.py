"""The sandbox: its scope, its pages, its refresh."""
