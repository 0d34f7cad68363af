"""What every server needs, whatever its dialect: tokens, bodies, request ids, health, metrics, paths of problems."""
