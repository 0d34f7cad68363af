"""Tags of many people at once: `bulkSetTags`, and what became of it."""

from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from sojourn.api.audience.calls import audience_route, malformed
from sojourn.api.common.authorization import token_of
from sojourn.api.common.bodies import AnyRequest, json_response, parse, read_body
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.misfits import misfits
from sojourn.api.common.paths import joined
from sojourn.model.problems import Problem
from sojourn.service.bulk import ITEMS_MAX
from sojourn.service.commands import (
    AttributeOperation,
    BulkItem,
    GetBulkRequest,
    SetAttributesInBulk,
    Subject,
)
from sojourn.service.errors import NotAuthenticated, NotFound
from sojourn.service.service import Service

PATH = "/api/v2/audience/bulkSetTags"

PENDING, COMPLETED = "Pending", "Completed"
SUCCESS, FAILED = "Success", "Failed"


class Device(Struct, frozen=True, kw_only=True):
    """Who, and their tags. `list_operator` is for the tags whose value is a list."""

    tags: dict[str, Any]
    hwid: str = ""
    user_id: str = ""
    push_token: str = ""
    list_operator: Literal["append", "remove", "set"] = "set"


class BulkSetTags(Struct, frozen=True, kw_only=True):
    """The request. Tags need not be made before they are set, so `create_missing_tags` changes nothing."""

    application: str
    devices: list[Device]
    create_missing_tags: bool = False


def set_tags_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handlers."""

    async def post(request: AnyRequest) -> Response[bytes]:
        document = parse(await read_body(request))
        header = request.headers.get("authorization", "")
        caller = await service.authenticate(_token(document.pop("auth", None), header), "api")
        problems = _crowd_problems(document) or misfits(document, BulkSetTags, "")
        if problems:
            raise malformed(problems)
        accepted = await service.run(caller, _command(msgspec.convert(document, BulkSetTags)))
        return json_response({"request_id": accepted.request_uuid, "status": PENDING})

    async def get(request: AnyRequest) -> Response[bytes]:
        caller = await service.authenticate(token_of(request.headers.get("authorization", ""), "Api", "Token"), "api")
        try:
            wanted = UUID(str(request.path_params["request_id"]))
        except ValueError:
            raise NotFound from None
        outcome = await service.run(caller, GetBulkRequest(request_uuid=wanted))
        answer: dict[str, object] = {
            "request_id": outcome.request_uuid,
            "status": PENDING if outcome.is_waiting else COMPLETED,
            "succeeded": outcome.items - len(outcome.refused),
            "failed": len(outcome.refused),
        }
        if request.query_params.get("detailed", "false").lower() == "true":
            answer["devices"] = [
                {"index": place, "status": FAILED, "reason": "; ".join(map(_reason, outcome.refused[place]))}
                if place in outcome.refused
                else {"index": place, "status": SUCCESS}
                for place in range(outcome.items)
            ]
        return json_response(answer)

    return [
        audience_route("POST", PATH, "bulkSetTags", metrics, post),
        audience_route("GET", f"{PATH}/{{request_id:str}}", "bulkSetTagsStatus", metrics, get),
    ]


def _token(auth: object, header: str) -> str:
    """Return the token: from the body, or else from the header."""
    if auth is None:
        return token_of(header, "Api", "Token")
    if not isinstance(auth, str) or not auth:
        raise NotAuthenticated
    return auth


def _crowd_problems(document: dict[str, Any]) -> list[Problem]:
    """Refuse too many people before looking at each of them."""
    devices: object = document.get("devices")
    if isinstance(devices, list) and not 1 <= len(document["devices"]) <= ITEMS_MAX:
        return [Problem("items.count", "devices", f"must have 1 to {ITEMS_MAX} items")]
    return []


def _command(request: BulkSetTags) -> SetAttributesInBulk:
    return SetAttributesInBulk(application_code=request.application, items=tuple(map(_item, request.devices)))


def _item(device: Device) -> BulkItem:
    operations = tuple(_operation(name, value, device.list_operator) for name, value in device.tags.items())
    subject = Subject(user_id=device.user_id, hwid=device.hwid)
    return BulkItem(subject=subject, operations=operations, push_token=device.push_token)


def _operation(name: str, value: Any, of_lists: Literal["append", "remove", "set"]) -> AttributeOperation:  # noqa: ANN401 - whatever JSON can say
    if value is None:
        return AttributeOperation("unset", name)
    return AttributeOperation(of_lists if isinstance(value, list) else "set", name, value)


def _reason(problem: Problem) -> str:
    """Say what is wrong with a device in the words of the request."""
    head, *rest = problem.where.split("/")
    place = joined("", rest or ["hwid"]) if head == "subject" else joined("tags" if rest else head, rest)
    return f"{place}: {problem.text}"
