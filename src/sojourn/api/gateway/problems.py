"""What a refusal looks like in this dialect: gRPC code, HTTP status and words for each problem code."""

from collections.abc import Sequence

from google.protobuf import any_pb2
from google.rpc import status_pb2
from google.rpc.error_details_pb2 import BadRequest
from msgspec import Struct

from sojourn.api.common.refusals import MalformedRequest
from sojourn.model.problems import Problem, SojournError
from sojourn.service.errors import InvalidState

OK = 0
INVALID_ARGUMENT = 3
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
    "unauthenticated": Answer(UNAUTHENTICATED),
    "unavailable": Answer(UNAVAILABLE),
}


def malformed(problems: Sequence[Problem]) -> MalformedRequest:
    """Make the refusal of a request from all that is wrong with it."""
    return MalformedRequest(summary(problems), problems=tuple(problems))


def summary(problems: Sequence[Problem]) -> str:
    """Say in one line what is wrong: the first problem, and how many more there are."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{first.where}: {first.text}{more}" if first.where else f"{first.text}{more}"


def answer(error: SojournError) -> Answer:
    """Return how an error is answered; what the table does not know is ours to explain, so it is INTERNAL."""
    return ANSWERS.get(error.code, ANSWERS["internal"])


def http_status(error: SojournError, *, is_external: bool) -> int:
    """Return the HTTP status of an error."""
    known = answer(error)
    chosen = known.external if is_external else known.status
    return chosen or HTTP_STATUS[known.code]


def words(error: SojournError) -> str:
    """Say an error in the words of the contract: `cannot start journey in STATUS_FINISHED`."""
    match error:
        case InvalidState(status=str(status)):
            return f"cannot {error.command} journey in STATUS_{status.upper()}"
        case _:
            return error.text


def rpc_status(error: SojournError) -> status_pb2.Status:
    """Return an error as gRPC has it, with the problems as field violations in its details."""
    status = status_pb2.Status(code=answer(error).code, message=words(error))
    if error.problems:
        detail = any_pb2.Any()
        detail.Pack(
            BadRequest(
                field_violations=[
                    BadRequest.FieldViolation(field=p.where, description=p.text, reason=reason(p.code))
                    for p in error.problems
                ]
            )
        )
        status.details.append(detail)
    return status


def reason(code: str) -> str:
    """Spell a problem code as google.rpc wants a reason.

    >>> reason("output.unwired")
    'OUTPUT_UNWIRED'
    """
    return code.upper().replace(".", "_")


def envelope(error: SojournError) -> dict[str, object]:
    """Return the JSON body of a failed v3 method."""
    details: list[object] = []
    if error.problems:
        violations = [{"field": p.where, "description": p.text, "reason": reason(p.code)} for p in error.problems]
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "field_violations": violations})
    return {"code": answer(error).code, "message": words(error), "details": details}


def external_body(error: SojournError) -> dict[str, object]:
    """Return the JSON body of a failed external method."""
    return {"success": False, "message": words(error)}
