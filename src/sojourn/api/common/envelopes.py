"""Envelopes: how failures of the v2 and v3 methods look: a code of gRPC, an HTTP status, what is wrong and where."""

from msgspec import Struct

from sojourn.model.problems import SojournError

OK = 0
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
UNAUTHENTICATED = 16

HTTP_STATUS: dict[int, int] = {
    INVALID_ARGUMENT: 400,
    DEADLINE_EXCEEDED: 504,
    NOT_FOUND: 404,
    ALREADY_EXISTS: 409,
    PERMISSION_DENIED: 403,
    RESOURCE_EXHAUSTED: 429,
    FAILED_PRECONDITION: 400,
    ABORTED: 409,
    UNIMPLEMENTED: 405,
    INTERNAL: 500,
    UNAVAILABLE: 503,
    UNAUTHENTICATED: 401,
}
"""gRPC code to the status of the REST bridge."""


class Answer(Struct, frozen=True):
    """How a problem code is answered.

    Attributes:
        code: The gRPC code.
        external: The HTTP status of the external methods where it is not that of the code.
        status: The HTTP status of the other methods where it is not that of the code.
    """

    code: int
    external: int | None = None
    status: int | None = None


ANSWERS: dict[str, Answer] = {
    "app.unknown": Answer(INVALID_ARGUMENT),
    "document.invalid": Answer(INVALID_ARGUMENT),
    "entry.attribute_unknown": Answer(INVALID_ARGUMENT),
    "entry.deactivated": Answer(FAILED_PRECONDITION),
    "entry.none": Answer(FAILED_PRECONDITION),
    "entry.selector": Answer(INVALID_ARGUMENT),
    "entry.several": Answer(FAILED_PRECONDITION),
    "exists": Answer(ALREADY_EXISTS, external=400),
    "filter.invalid": Answer(INVALID_ARGUMENT),
    "idempotency.mismatch": Answer(INVALID_ARGUMENT),
    "import.moved": Answer(ABORTED),
    "in_use": Answer(FAILED_PRECONDITION),
    "internal": Answer(INTERNAL),
    "journey.invalid_state": Answer(FAILED_PRECONDITION),
    "journey.not_running": Answer(FAILED_PRECONDITION),
    "journey.unknown": Answer(NOT_FOUND),
    "method.unknown": Answer(UNIMPLEMENTED),
    "not_allowed": Answer(PERMISSION_DENIED),
    "not_found": Answer(NOT_FOUND),
    "overloaded": Answer(RESOURCE_EXHAUSTED),
    "rate_limited": Answer(RESOURCE_EXHAUSTED, external=400),
    "request.malformed": Answer(INVALID_ARGUMENT),
    "request.too_large": Answer(RESOURCE_EXHAUSTED, external=413, status=413),
    "too_long": Answer(DEADLINE_EXCEEDED),
    "unauthenticated": Answer(UNAUTHENTICATED),
    "unavailable": Answer(UNAVAILABLE),
}


def answer(error: SojournError) -> Answer:
    """Return how an error is answered; what the table does not know is ours to explain, so it is INTERNAL."""
    return ANSWERS.get(error.code, ANSWERS["internal"])


def http_status(error: SojournError, *, is_external: bool = False) -> int:
    """Return the HTTP status of an error."""
    known = answer(error)
    chosen = known.external if is_external else known.status
    return chosen or HTTP_STATUS[known.code]


def reason(code: str) -> str:
    """Spell a problem code as google.rpc wants a reason.

    >>> reason("output.unwired")
    'OUTPUT_UNWIRED'
    """
    return code.upper().replace(".", "_")


def envelope(error: SojournError, message: str = "") -> dict[str, object]:
    """Return the JSON body of a failed method. `message` is the error in the words of a contract, if it has any."""
    details: list[object] = []
    if error.problems:
        violations = [{"field": p.where, "description": p.text, "reason": reason(p.code)} for p in error.problems]
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "field_violations": violations})
    return {"code": answer(error).code, "message": message or error.text, "details": details}
