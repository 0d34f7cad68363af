"""Hooks: inbound webhooks, their definitions and what comes in through them."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec

from sojourn.model.hooks import HookEvent, Reading, Rule, Verification, read, rule_problems, verification_problems
from sojourn.model.identities import Identity, device_identity, user_identity
from sojourn.model.problems import Problem
from sojourn.service.commands import (
    AttributeOperation,
    Caller,
    CreateWebhook,
    DeleteWebhook,
    Done,
    GetWebhook,
    ListWebhooks,
    TryWebhook,
    UpdateWebhook,
    Webhook,
    WebhookDraft,
    WebhookList,
)
from sojourn.service.errors import InvalidDocument, NotAuthenticated, NotFound
from sojourn.service.events import UNDEFINED, event_time
from sojourn.service.hook_signatures import is_genuine
from sojourn.service.notices import Notice, Word, json_text
from sojourn.service.resources import Resources
from sojourn.service.values import document_problems, id_problems, name_problems, refuse, text_problems
from sojourn.store import hooks as store
from sojourn.store.hooks import StoredHook

SECRET_MIN, SECRET_MAX = 8, 500
SOURCE_MAX = 200

_RULE = msgspec.json.Decoder(Rule)
_VERIFICATION = msgspec.json.Decoder(Verification)


async def create_webhook(resources: Resources, caller: Caller, command: CreateWebhook) -> Webhook:
    """Keep a definition. The reply tells the secret if it was made just now; it cannot be had again.

    Raises:
        AppNotFound: The app is not the workspace's.
        InvalidDocument: With all problems.
    """
    draft, now = command.draft, resources.clock()
    app_id = await resources.facts.app_id(caller.workspace_id, draft.application_code)
    refuse(_problems(draft))
    is_needed = draft.verification.scheme != "none"
    secret = draft.secret or (secrets.token_urlsafe(32) if is_needed else "")
    public_id = secrets.token_urlsafe(24)
    async with resources.pool.connection() as conn, conn.transaction():
        await store.insert_hook(
            conn,
            workspace_id=caller.workspace_id,
            app_id=app_id,
            public_id=public_id,
            title=draft.title,
            rule=json_text(draft.rule),
            verification=json_text(draft.verification),
            secret=secret,
            now=now,
        )
        made = await store.find_hook(conn, public_id=public_id)
    assert made is not None, "it has just been made"
    return _webhook(made, new_secret=None if draft.secret or not is_needed else secret)


async def get_webhook(resources: Resources, caller: Caller, command: GetWebhook) -> Webhook:
    """Return a definition.

    Raises:
        NotFound: The workspace has none of this id.
    """
    return _webhook(await _own(resources, caller, command.public_id))


async def list_webhooks(resources: Resources, caller: Caller, command: ListWebhooks) -> WebhookList:  # noqa: ARG001
    """List the definitions of the workspace."""
    async with resources.pool.connection() as conn:
        found = await store.list_hooks(conn, workspace_id=caller.workspace_id)
    return WebhookList(items=tuple(map(_webhook, found)))


async def update_webhook(resources: Resources, caller: Caller, command: UpdateWebhook) -> Webhook:
    """Replace a definition; without a secret the old one stays.

    Raises:
        AppNotFound: The app is not the workspace's.
        InvalidDocument: With all problems.
        NotFound: The workspace has none of this id.
    """
    before, draft = await _own(resources, caller, command.public_id), command.draft
    app_id = await resources.facts.app_id(caller.workspace_id, draft.application_code)
    refuse(_problems(draft, has_secret=bool(before.secret)))
    async with resources.pool.connection() as conn, conn.transaction():
        is_there = await store.update_hook(
            conn,
            workspace_id=caller.workspace_id,
            public_id=command.public_id,
            app_id=app_id,
            title=draft.title,
            rule=json_text(draft.rule),
            verification=json_text(draft.verification),
            secret=draft.secret or before.secret,
            now=resources.clock(),
        )
    if not is_there:
        raise NotFound
    resources.hooks.forget(command.public_id)
    return _webhook(await _own(resources, caller, command.public_id))


async def delete_webhook(resources: Resources, caller: Caller, command: DeleteWebhook) -> Done:
    """Delete a definition.

    Raises:
        NotFound: The workspace has none of this id.
    """
    async with resources.pool.connection() as conn:
        if not await store.delete_hook(conn, workspace_id=caller.workspace_id, public_id=command.public_id):
            raise NotFound
    resources.hooks.forget(command.public_id)
    return Done()


async def try_webhook(resources: Resources, caller: Caller, command: TryWebhook) -> Reading:
    """Say what a payload would become. Nothing is stored.

    Raises:
        InvalidDocument: With what is wrong with the payload.
        NotFound: The workspace has none of this id.
    """
    stored = await _own(resources, caller, command.public_id)
    return await _read(resources, stored, command.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What somebody posted.

    Attributes:
        body: As it came, which is what is signed.
        headers: By their names in lower case.
        payload: Reads the document in the body; called once it is known that the sender may post.
    """

    public_id: str
    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    payload: Callable[[], object]


async def receive(resources: Resources, posted: Posted) -> int:
    """Accept the events of a payload: all, or none. Return how many; they are durable.

    Raises:
        InvalidDocument: With what is wrong with the payload.
        NotAuthenticated: The sender does not know the secret.
        NotFound: There is no such hook.
        Overloaded: Too much is waiting.
    """
    stored = await resources.hooks.find(resources.pool, posted.public_id, resources.clock())
    if stored is None:
        raise NotFound
    how = _VERIFICATION.decode(stored.verification)
    if not is_genuine(how, stored.secret, posted.body, posted.headers, posted.query, resources.clock()):
        raise NotAuthenticated("the signature or secret is not right")
    reading = await _read(resources, stored, posted.payload())
    rule, now = _RULE.decode(stored.rule), resources.clock()
    await resources.acceptance.submit_all([_notice(stored, rule, event, now) for event in reading.events])
    return len(reading.events)


async def _own(resources: Resources, caller: Caller, public_id: str) -> StoredHook:
    if any(text_problems(public_id, "")):
        raise NotFound
    async with resources.pool.connection() as conn:
        found = await store.find_hook(conn, public_id=public_id)
    if found is None or found.workspace_id != caller.workspace_id:
        raise NotFound
    return found


async def _read(resources: Resources, stored: StoredHook, payload: object) -> Reading:
    rule, now = _RULE.decode(stored.rule), resources.clock()
    reading = read(rule, payload)
    problems = [*reading.problems]
    for place, event in enumerate(reading.events):
        where = f"events/{place}"
        problems += _event_problems(event, where)
        if event.name and not await resources.facts.takes_event(stored.workspace_id, stored.app_id, event.name, now):
            problems.append(Problem("event.undefined", f"{where}/name", UNDEFINED))
    if problems:
        raise InvalidDocument("the payload does not fit the webhook", problems=tuple(problems[:200]))
    return reading


def _event_problems(event: HookEvent, where: str) -> Iterator[Problem]:
    yield from name_problems(event.name, f"{where}/name")
    yield from id_problems(event.identifier, f"{where}/identifier")
    yield from text_problems(event.event_id, f"{where}/event_id")
    yield from document_problems(event.attributes, f"{where}/attributes")
    yield from document_problems(event.profile_attributes, f"{where}/profile_attributes")


def _notice(stored: StoredHook, rule: Rule, event: HookEvent, now: datetime) -> Notice:
    word = Word(
        kind="event",
        name=event.name,
        data=json_text(event.attributes),
        source_id=_source_id(stored, event.event_id),
        occurred_at=event_time(event.occurred_at, now),
    )
    operations = [
        AttributeOperation("unset" if value is None else "set", name, value)
        for name, value in event.profile_attributes.items()
    ]
    facts = (Word(kind="attributes", data=json_text({"operations": operations})),) if operations else ()
    return Notice(
        workspace_id=stored.workspace_id,
        app_id=stored.app_id,
        identities=(_identity(stored.workspace_id, rule, event.identifier),),
        words=(*facts, word),
        attributes=event.attributes,
    )


def _identity(workspace_id: int, rule: Rule, identifier: str) -> Identity:
    if rule.identifier_kind == "user_id":
        return user_identity(workspace_id, identifier)
    return device_identity(workspace_id, identifier)


def _source_id(stored: StoredHook, event_id: str) -> str | None:
    """Return the id of an event, told from those of others'; a long one is kept as its hash."""
    if not event_id:
        return None
    kept = event_id if len(event_id) <= SOURCE_MAX else sha256(event_id.encode()).hexdigest()
    return f"webhook:{stored.webhook_id}:{kept}"


def _problems(draft: WebhookDraft, *, has_secret: bool = True) -> Iterator[Problem]:
    yield from name_problems(draft.title, "title")
    yield from rule_problems(draft.rule)
    yield from verification_problems(draft.verification)
    fields = {"attributes": draft.rule.attributes, "profile_attributes": draft.rule.profile_attributes}
    for field, names in fields.items():
        for name in names:
            yield from name_problems(name, f"{field}/{name[:100]}")
    for said, name in draft.rule.event_names.items():
        yield from name_problems(name, f"event_names/{said[:100]}")
    if draft.rule.event_name:
        yield from name_problems(draft.rule.event_name, "event_name")
    if draft.secret and not SECRET_MIN <= len(draft.secret) <= SECRET_MAX:
        yield Problem("secret.length", "secret", f"a secret has {SECRET_MIN} to {SECRET_MAX} characters")
    if not draft.secret and not has_secret and draft.verification.scheme != "none":
        yield Problem("secret.missing", "secret", "is required, since there is none yet")
    texts = [
        draft.rule.event_name_path,
        *draft.rule.attributes.values(),
        *draft.rule.event_names,
        draft.verification.prefix,
    ]
    for text in (
        *texts,
        draft.rule.identifier_path,
        draft.rule.items_path,
        draft.rule.event_id_path,
        draft.rule.time_path,
    ):
        yield from text_problems(text, "rule")
    yield from text_problems(draft.secret, "secret")


def _webhook(stored: StoredHook, *, new_secret: str | None = None) -> Webhook:
    return Webhook(
        public_id=stored.public_id,
        application_code=stored.application_code,
        title=stored.title,
        rule=_RULE.decode(stored.rule),
        verification=_VERIFICATION.decode(stored.verification),
        has_secret=bool(stored.secret),
        new_secret=new_secret,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )
