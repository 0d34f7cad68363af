"""Deleting people: `DELETE /api/v3/people/{user_id}`, or by any other name (or an id with a slash) in the query."""

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from sojourn.api.audience.calls import audience_route, malformed
from sojourn.api.common.authorization import token_of
from sojourn.api.common.bodies import AnyRequest, json_response
from sojourn.api.common.metrics import RequestMetrics
from sojourn.model.problems import Problem
from sojourn.service.commands import DeletePerson
from sojourn.service.service import Service

PATH = "/api/v3/people"
NAMES = ("user_id", "hwid", "email", "anonymous_id", "profile")
"""The parameters by which a person is named, exactly one of them."""


def people_admin_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handlers."""

    async def delete(request: AnyRequest) -> Response[bytes]:
        caller = await service.authenticate(token_of(request.headers.get("authorization", ""), "Api"), "api")
        reply = await service.run(caller, _command(request))
        return json_response({"removed": reply.removed})

    return [
        audience_route("DELETE", PATH, "deletePersonByName", metrics, delete),
        audience_route("DELETE", f"{PATH}/{{user_id:str}}", "deletePerson", metrics, delete),
    ]


def _command(request: AnyRequest) -> DeletePerson:
    """Read who is meant, from the path or the query.

    Raises:
        MalformedRequest: With all problems.
    """
    given = list(request.query_params.multi_items())
    problems = [Problem("unknown", name, "unknown parameter") for name, _ in given if name not in NAMES]
    names = {name: value for name, value in given if name in NAMES}
    if len(names) + len(problems) < len(given):
        problems.append(Problem("repeated", "query", "a parameter is given once"))
    number = names.pop("profile", None)
    if number is not None and not (number.isascii() and number.isdecimal()):
        problems.append(Problem("type", "profile", "must be a number"))
    if "user_id" in request.path_params:
        if names or number is not None:
            problems.append(Problem("unknown", "query", "the path names the person already"))
        names = {"user_id": str(request.path_params["user_id"])}
    if problems:
        raise malformed(problems)
    return DeletePerson(profile=None if number is None else int(number), **names)
