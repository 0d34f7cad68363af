"""Bench: how fast people move, beside the least that PostgreSQL would have to do. Results: docs/benchmarks.md."""
