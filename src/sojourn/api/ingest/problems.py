# ruff: noqa: D415 - a docstring is the default message
"""What a refusal looks like in this dialect: an HTTP status and a `status_code` for each problem code."""

from sojourn.model.problems import SojournError

OK = 200
ARGUMENT_ERROR = 210

STATUSES: dict[str, tuple[int, int]] = {
    "app.unknown": (200, 404),
    "document.invalid": (200, ARGUMENT_ERROR),
    "exists": (200, ARGUMENT_ERROR),
    "filter.invalid": (200, ARGUMENT_ERROR),
    "in_use": (200, ARGUMENT_ERROR),
    "internal": (500, 500),
    "method.unknown": (200, 404),
    "not_allowed": (200, 403),
    "not_found": (200, 404),
    "overloaded": (429, 429),
    "request.argument": (200, ARGUMENT_ERROR),
    "request.malformed": (400, 400),
    "request.too_large": (413, 413),
    "unauthenticated": (200, 403),
    "unavailable": (500, 500),
}
"""Problem code to HTTP status and `status_code`."""


class BadArgument(SojournError):
    """an argument is wrong"""

    code = "request.argument"


def statuses(error: SojournError) -> tuple[int, int]:
    """Return how an error is answered; what the table does not know is ours to explain."""
    return STATUSES.get(error.code, STATUSES["internal"])


def answer(response: object = None) -> dict[str, object]:
    """Return the body of a success."""
    return {"status_code": OK, "status_message": "OK", "response": response}


def refusal(error: SojournError) -> dict[str, object]:
    """Return the body of a refusal."""
    return {"status_code": statuses(error)[1], "status_message": error.text, "response": None}
