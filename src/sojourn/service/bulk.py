"""Bulk: changes of many people in one request. What is wrong with one of them does not keep the others out."""

from collections.abc import Iterator
from functools import partial
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from sojourn.model.problems import Problem
from sojourn.service.commands import (
    BulkAccepted,
    BulkItem,
    BulkOutcome,
    Caller,
    GetBulkRequest,
    SetAttributes,
    SetAttributesInBulk,
)
from sojourn.service.errors import InvalidDocument, NotFound
from sojourn.service.notices import Notice, json_text
from sojourn.service.people import PUSH_TOKEN_MAX, attributes_notice
from sojourn.service.resources import Resources
from sojourn.service.values import refuse, text_problems
from sojourn.store import bulk as store

ITEMS_MAX = 10_000
REASONS_MAX = 20


async def set_attributes_in_bulk(resources: Resources, caller: Caller, command: SetAttributesInBulk) -> BulkAccepted:
    """Accept changes of many people in one transaction. Durable on return.

    Raises:
        AppNotFound: The app is not in the caller's workspace.
        InvalidDocument: Nobody, or too many people.
    """
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    refuse(_count_problems(command))
    hwids = await _hwids(resources, app_id, command.items)
    notices: list[Notice] = []
    refused: list[dict[str, object]] = []
    for place, item in enumerate(command.items):
        try:
            notices.append(await _notice(resources, caller, command.application_code, item, hwids))
        except InvalidDocument as wrong:
            refused.append({"place": place, "reasons": wrong.problems[:REASONS_MAX]})
    request_uuid = uuid4()
    keep = partial(
        store.insert_bulk_request,
        workspace_id=caller.workspace_id,
        request_uuid=request_uuid,
        items=len(command.items),
        refused=json_text(refused),
        now=resources.clock(),
    )
    await resources.acceptance.accept_many(notices, before_commit=keep)
    return BulkAccepted(request_uuid=request_uuid)


async def get_bulk_request(resources: Resources, caller: Caller, command: GetBulkRequest) -> BulkOutcome:
    """Say what became of a request.

    Raises:
        NotFound: The workspace made no such request, or so long ago that it is forgotten.
    """
    async with resources.pool.connection() as conn, conn.transaction():
        found = await store.find_bulk_request(conn, workspace_id=caller.workspace_id, request_uuid=command.request_uuid)
        if found is None:
            raise NotFound
        is_waiting = await store.bulk_is_waiting(conn, found.watermarks)
    return BulkOutcome(
        request_uuid=command.request_uuid,
        items=found.items,
        is_waiting=is_waiting,
        refused={each["place"]: msgspec.convert(each["reasons"], tuple[Problem, ...]) for each in found.refused},
    )


async def _hwids(resources: Resources, app_id: int, items: tuple[BulkItem, ...]) -> dict[str, str]:
    """Find the devices that push tokens stand for."""
    tokens = {item.push_token for item in items if item.push_token and _is_token(item.push_token)}
    if not tokens:
        return {}
    async with resources.pool.connection() as conn:
        return await store.hwids_of_push_tokens(conn, app_id=app_id, push_tokens=tokens)


def _is_token(text: str) -> bool:
    return len(text) <= PUSH_TOKEN_MAX and not any(text_problems(text, ""))


async def _notice(
    resources: Resources, caller: Caller, application_code: str, item: BulkItem, hwids: dict[str, str]
) -> Notice:
    subject = item.subject
    if item.push_token and not (subject.user_id or subject.hwid):
        if item.push_token not in hwids:
            unknown = Problem("device.unknown", "push_token", "no device of the app has this push token")
            raise InvalidDocument(unknown.text, problems=(unknown,))
        subject = replace(subject, hwid=hwids[item.push_token])
    change = SetAttributes(application_code=application_code, subject=subject, operations=item.operations)
    return await attributes_notice(resources, caller, change)


def _count_problems(command: SetAttributesInBulk) -> Iterator[Problem]:
    if not 1 <= len(command.items) <= ITEMS_MAX:
        yield Problem("items.count", "items", f"a request is about 1 to {ITEMS_MAX} people")
