"""The journeys dialect."""
