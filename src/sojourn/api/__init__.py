"""The public APIs: dialects over the same commands, and the server that they share."""
