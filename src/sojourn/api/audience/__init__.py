"""The audience: people, events and segments in bulk, for servers and operators."""
