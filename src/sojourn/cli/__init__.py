"""The command line: thin. Each command reads its arguments, calls what does the work, and shows what came of it."""
