"""History: who somebody is, what happened to them and why, read from what the ticks left behind."""
