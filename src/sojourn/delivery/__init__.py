"""From queued messages to their outcomes: claiming, rendering, calling providers, retrying, recording."""
