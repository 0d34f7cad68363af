"""Metrics of requests, for Prometheus: how many, how they ended, how long they took."""

from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram


class RequestMetrics:
    """Counts requests by dialect, method and outcome."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "sojourn_requests", "Requests answered.", ("dialect", "method", "outcome"), registry=registry
        )
        self._seconds = Histogram(
            "sojourn_request_seconds", "Time to the answer.", ("dialect", "method"), registry=registry
        )

    @contextmanager
    def measure(self, dialect: str, method: str) -> Generator["Measured"]:
        """Measure one request; whoever answers it says how it ended."""
        measured, began = Measured(), perf_counter()
        try:
            yield measured
        finally:
            self._requests.labels(dialect, method, measured.outcome).inc()
            self._seconds.labels(dialect, method).observe(perf_counter() - began)


class Measured:
    """How a request ended: `ok`, or the code of the problem."""

    outcome = "ok"
