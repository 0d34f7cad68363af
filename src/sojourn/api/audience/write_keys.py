"""Write keys: `/api/v3/apps/{code}/write-keys`: made, listed and revoked."""

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from sojourn.api.audience.calls import audience_route, malformed
from sojourn.api.common.authorization import token_of
from sojourn.api.common.bodies import AnyRequest, json_response, parse, read_body
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.misfits import misfits
from sojourn.service.commands import Caller, CreateWriteKey, ListWriteKeys, RevokeWriteKey, WriteKey
from sojourn.service.errors import NotFound
from sojourn.service.service import Service

PATH = "/api/v3/apps/{application_code:str}/write-keys"


class Draft(Struct, frozen=True, kw_only=True):
    """A key as it is made."""

    title: str = ""


def write_key_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handlers."""

    async def caller_of(request: AnyRequest) -> Caller:
        return await service.authenticate(token_of(request.headers.get("authorization", ""), "Api"), "api")

    async def create(request: AnyRequest) -> Response[bytes]:
        caller = await caller_of(request)
        document = parse(await read_body(request))
        if problems := misfits(document, Draft, ""):
            raise malformed(problems)
        title = msgspec.convert(document, Draft).title
        made = await service.run(caller, CreateWriteKey(application_code=_app(request), title=title))
        return json_response(_document(made) | {"write_key": made.plaintext})

    async def show(request: AnyRequest) -> Response[bytes]:
        caller = await caller_of(request)
        found = await service.run(caller, ListWriteKeys(application_code=_app(request)))
        return json_response({"items": [_document(each) for each in found.items]})

    async def revoke(request: AnyRequest) -> Response[bytes]:
        caller = await caller_of(request)
        number = str(request.path_params["id"])
        if not number.isdecimal() or len(number) > 10:
            raise NotFound("write key not found")
        await service.run(caller, RevokeWriteKey(application_code=_app(request), number=int(number)))
        return json_response({})

    return [
        audience_route("GET", PATH, "listWriteKeys", metrics, show),
        audience_route("POST", PATH, "createWriteKey", metrics, create),
        audience_route("DELETE", f"{PATH}/{{id:str}}", "revokeWriteKey", metrics, revoke),
    ]


def _app(request: AnyRequest) -> str:
    return str(request.path_params["application_code"])


def _document(key: WriteKey) -> dict[str, object]:
    return {"id": key.number, "title": key.title, "created_at": key.created_at}
