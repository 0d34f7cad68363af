"""What a refusal looks like in this dialect: an HTTP status, a code and words, and what is wrong where."""

from sojourn.api.common.paths import spelled
from sojourn.model.problems import SojournError

STATUSES: dict[str, int] = {
    "document.invalid": 400,
    "internal": 500,
    "method.unknown": 405,
    "not_allowed": 401,
    "not_found": 404,
    "overloaded": 429,
    "request.malformed": 400,
    "request.too_large": 413,
    "unauthenticated": 401,
    "unavailable": 503,
}
"""Problem code to HTTP status."""

SUCCESS = {"success": True}


def status_of(error: SojournError) -> int:
    """Return how an error is answered; what the table does not know is ours to explain."""
    return STATUSES.get(error.code, STATUSES["internal"])


def refusal(error: SojournError) -> dict[str, object]:
    """Return the body of a refusal. `code` and `message` are what clients read and log."""
    message = "; ".join(spelled(problem) for problem in error.problems) or error.text
    body: dict[str, object] = {"success": False, "code": error.code, "message": message}
    if error.problems:
        body["errors"] = [{"path": problem.where, "message": problem.text} for problem in error.problems]
    return body
