"""Use cases: one function per command, whatever the dialect that asks."""
