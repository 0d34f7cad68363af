"""What a refusal looks like in this dialect: in the words of the contract, over gRPC, and from external methods."""

from collections.abc import Sequence

from google.protobuf import any_pb2
from google.rpc import status_pb2
from google.rpc.error_details_pb2 import BadRequest

from sojourn.api.common.envelopes import answer, reason
from sojourn.api.common.envelopes import envelope as common_envelope
from sojourn.api.common.refusals import MalformedRequest
from sojourn.model.problems import Problem, SojournError
from sojourn.service.errors import InvalidState


def malformed(problems: Sequence[Problem]) -> MalformedRequest:
    """Make the refusal of a request from all that is wrong with it."""
    return MalformedRequest(summary(problems), problems=tuple(problems))


def summary(problems: Sequence[Problem]) -> str:
    """Say in one line what is wrong: the first problem, and how many more there are."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{first.where}: {first.text}{more}" if first.where else f"{first.text}{more}"


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


def envelope(error: SojournError) -> dict[str, object]:
    """Return the JSON body of a failed v3 method."""
    return common_envelope(error, words(error))


def external_body(error: SojournError) -> dict[str, object]:
    """Return the JSON body of a failed external method."""
    return {"success": False, "message": words(error)}
