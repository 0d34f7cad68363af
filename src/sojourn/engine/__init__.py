"""The engine: ticks, and the runner that drives them."""
