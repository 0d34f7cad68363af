"""The demonstration: a server with real people and two journeys, set up and driven as an outsider would."""
