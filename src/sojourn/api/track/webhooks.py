"""Setting up inbound webhooks: `/api/v3/webhooks`, in the manner of the other v3 methods."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import msgspec
import structlog
from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from sojourn.api.common.authorization import token_of
from sojourn.api.common.bodies import AnyRequest, json_response, parse, read_body
from sojourn.api.common.envelopes import envelope, http_status
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.misfits import misfits
from sojourn.api.common.paths import spelled
from sojourn.api.common.refusals import InternalError, MalformedRequest
from sojourn.api.track.hooks import PREFIX as HOOKS
from sojourn.api.track.hooks import spelled_place
from sojourn.model.hooks import Reading, Rule, Verification
from sojourn.model.problems import Problem, SojournError
from sojourn.service.commands import (
    Caller,
    CreateWebhook,
    DeleteWebhook,
    GetWebhook,
    ListWebhooks,
    TryWebhook,
    UpdateWebhook,
    Webhook,
    WebhookDraft,
)
from sojourn.service.errors import InvalidDocument
from sojourn.service.service import Service

PATH = "/api/v3/webhooks"
BODY_MAX = 1_000_000

log = structlog.get_logger()


class VerificationBody(Struct, frozen=True, kw_only=True):
    """How senders are known."""

    scheme: Literal["header", "hmac", "hmac_timestamped", "none", "query"] = "none"
    name: str = ""
    algorithm: Literal["sha1", "sha256"] = "sha256"
    encoding: Literal["base64", "hex"] = "hex"
    prefix: str = ""
    tolerance_seconds: int = 300


class WebhookBody(Struct, frozen=True, kw_only=True):
    """A definition as it is written. See docs/webhooks-in.md."""

    application: str
    title: str
    identifier_path: str
    identifier_kind: Literal["email", "hwid", "phone", "user_id"] = "user_id"
    items_path: str = ""
    event_name: str = ""
    event_name_path: str = ""
    event_names: dict[str, str] = {}
    attributes: dict[str, str] = {}
    profile_attributes: dict[str, str] = {}
    event_id_path: str = ""
    time_path: str = ""
    verification: VerificationBody = VerificationBody()
    secret: str = ""


class PayloadBody(Struct, frozen=True, kw_only=True):
    """A payload to try."""

    payload: Any


Answering = Callable[[Caller, AnyRequest], Awaitable[object]]


def webhook_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handlers."""

    async def create(caller: Caller, request: AnyRequest) -> object:
        return shown(await service.run(caller, CreateWebhook(draft=draft_in(await _document(request)))))

    async def show(caller: Caller, request: AnyRequest) -> object:
        return shown(await service.run(caller, GetWebhook(public_id=_id(request))))

    async def list_all(caller: Caller, request: AnyRequest) -> object:  # noqa: ARG001
        return {"webhooks": [shown(each) for each in (await service.run(caller, ListWebhooks())).items]}

    async def update(caller: Caller, request: AnyRequest) -> object:
        draft = draft_in(await _document(request))
        return shown(await service.run(caller, UpdateWebhook(public_id=_id(request), draft=draft)))

    async def delete(caller: Caller, request: AnyRequest) -> object:
        await service.run(caller, DeleteWebhook(public_id=_id(request)))
        return {}

    async def try_out(caller: Caller, request: AnyRequest) -> object:
        payload = (await _document(request)).get("payload")
        return preview(await service.run(caller, TryWebhook(public_id=_id(request), payload=payload)))

    one = f"{PATH}/{{id:str}}"
    table: tuple[tuple[HttpMethod, str, str, Answering], ...] = (
        (HttpMethod.DELETE, one, "delete", delete),
        (HttpMethod.GET, PATH, "list", list_all),
        (HttpMethod.GET, one, "get", show),
        (HttpMethod.POST, PATH, "create", create),
        (HttpMethod.POST, f"{one}/test", "test", try_out),
        (HttpMethod.PUT, one, "update", update),
    )
    return [_route(service, metrics, *entry) for entry in table]


def _route(
    service: Service, metrics: RequestMetrics, verb: HttpMethod, path: str, name: str, answering: Answering
) -> HTTPRouteHandler:
    async def handle(request: AnyRequest) -> Response[bytes]:
        with metrics.measure("webhooks", name) as measured:
            try:
                caller = await service.authenticate(token_of(request.headers.get("authorization", ""), "Api"), "api")
                return json_response(await answering(caller, request))
            except InvalidDocument as error:
                measured.outcome = error.code
                return _refused(_malformed(tuple(map(spelled_place, error.problems)), error.text))
            except SojournError as error:
                measured.outcome = error.code
                return _refused(error)
            except Exception:
                measured.outcome = InternalError.code
                log.exception("request.failed", dialect="webhooks", method=name)
                return _refused(InternalError())

    return HTTPRouteHandler(
        path, http_method=verb, name=f"webhooks.{name}", request_max_body_size=BODY_MAX, status_code=200
    )(handle)


def draft_in(document: Mapping[str, Any]) -> WebhookDraft:
    """Read a definition.

    Raises:
        MalformedRequest: With all problems.
    """
    problems = misfits(document, WebhookBody, "")
    if problems:
        raise _malformed(tuple(problems))
    body = msgspec.convert(document, WebhookBody)
    fields = {name: getattr(body, name) for name in Rule.__struct_fields__}
    how = {name: getattr(body.verification, name) for name in Verification.__struct_fields__}
    return WebhookDraft(
        application_code=body.application,
        title=body.title,
        rule=Rule(**fields),
        verification=Verification(**how),
        secret=body.secret,
    )


def shown(webhook: Webhook) -> dict[str, Any]:
    """Write a webhook; its secret only if it was made just now."""
    secret = {} if webhook.new_secret is None else {"secret": webhook.new_secret}
    return {
        "id": webhook.public_id,
        "path": f"{HOOKS}/{webhook.public_id}",
        "application": webhook.application_code,
        "title": webhook.title,
        **msgspec.to_builtins(webhook.rule),
        "verification": msgspec.to_builtins(webhook.verification),
        "has_secret": webhook.has_secret,
        **secret,
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
    }


def preview(reading: Reading) -> dict[str, Any]:
    """Write what a payload would become."""
    return {"events": msgspec.to_builtins(reading.events), "passed_over": reading.passed_over}


def _id(request: AnyRequest) -> str:
    return str(request.path_params["id"])


async def _document(request: AnyRequest) -> dict[str, Any]:
    return parse(await read_body(request))


def _malformed(problems: tuple[Problem, ...], text: str = "") -> MalformedRequest:
    return MalformedRequest("; ".join(map(spelled, problems)) or text, problems=problems)


def _refused(error: SojournError) -> Response[bytes]:
    return json_response(envelope(error), http_status(error), error)
