"""Importing: people and events from files. `run.import_file` does it; `plan.Plan` says how a file is to be read."""
