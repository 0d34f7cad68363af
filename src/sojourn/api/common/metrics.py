"""Metrics of requests, for Prometheus: how many, how they ended, how long they took."""

from time import perf_counter
from types import TracebackType
from typing import Self

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
        # To find the counter of some labels takes the library longer than to count.
        self._counters: dict[tuple[str, str, str], Counter] = {}
        self._histograms: dict[tuple[str, str], Histogram] = {}

    def measure(self, dialect: str, method: str) -> "Measured":
        """Measure one request; whoever answers it says how it ended."""
        return Measured(self, dialect, method)

    def count(self, dialect: str, method: str, outcome: str, seconds: float) -> None:
        """Count a request that has ended."""
        counter = self._counters.get((dialect, method, outcome))
        if counter is None:
            counter = self._counters[dialect, method, outcome] = self._requests.labels(dialect, method, outcome)
        counter.inc()
        histogram = self._histograms.get((dialect, method))
        if histogram is None:
            histogram = self._histograms[dialect, method] = self._seconds.labels(dialect, method)
        histogram.observe(seconds)


class Measured:
    """A request under way, as a context. `outcome` is how it ended: `ok`, or the code of the problem."""

    __slots__ = ("_began", "_dialect", "_method", "_metrics", "outcome")

    def __init__(self, metrics: RequestMetrics, dialect: str, method: str) -> None:
        self.outcome = "ok"
        self._metrics, self._dialect, self._method = metrics, dialect, method
        self._began = perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._metrics.count(self._dialect, self._method, self.outcome, perf_counter() - self._began)
