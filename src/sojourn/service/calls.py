"""Calls: what the clients of the tracking API say, as notices."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from sojourn.model.identities import EMAIL, IDENTITY_MAX, Identity, anonymous_identity, device_identity, user_identity
from sojourn.model.problems import Problem
from sojourn.service.commands import AttributeOperation, Call, Caller, Done, Surroundings, TrackCalls
from sojourn.service.errors import NotAllowed
from sojourn.service.events import UNDEFINED, event_time
from sojourn.service.notices import Notice, Word, json_text
from sojourn.service.people import DEVICE_TYPES
from sojourn.service.resources import Resources
from sojourn.service.values import NAME_MAX, NESTED_MAX, document_problems, id_problems, name_problems, refuse

EMAIL_TRAIT = "email"
GROUP_ID = "group_id"
GROUP = "group"
"""The attributes that hold the group of a person, and the traits of that group."""

_NUL = "\\u0000"
_ENDLESS = re.compile("[0-9]{9}")
"""What every 32nd character shows of a number with more digits than are kept; then the problems are looked for."""


async def track_calls(resources: Resources, caller: Caller, command: TrackCalls) -> Done:
    """Accept calls, in their order and all or none. Durable on return.

    Raises:
        InvalidDocument: With the problems of all calls.
        NotAllowed: The caller has no app.
        Overloaded: Too much is waiting.
    """
    if caller.app_id is None:
        raise NotAllowed
    now = resources.clock()
    names = {call.name for call in command.calls if call.kind == "event"}
    undefined = await resources.facts.untaken_events(caller.workspace_id, caller.app_id, names - {""}, now)
    texts = _checked_texts(command.calls, undefined)
    reader = _Reader(
        workspace_id=caller.workspace_id,
        app_id=caller.app_id,
        now=now,
        zones=await resources.facts.zones(),
        resources=resources,
    )
    notices = reader.read(command.calls, texts)
    await resources.acceptance.submit_all(notices)
    reader.remember()
    return Done()


class _Reader:
    """Reads the calls of one request."""

    def __init__(
        self, *, workspace_id: int, app_id: int, now: datetime, zones: frozenset[str], resources: Resources
    ) -> None:
        self._workspace_id = workspace_id
        self._app_id = app_id
        self._now = now
        self._zones = zones
        self._resources = resources
        self._noted: dict[Identity, Surroundings] = {}
        self._devices: list[Notice] = []  # that the call just read brings

    def read(self, calls: Sequence[Call], texts: Sequence[str]) -> list[Notice]:
        """Return what the calls say. `texts` are their attributes as JSON texts."""
        notices: list[Notice] = []
        for call, text in zip(calls, texts, strict=True):
            if call.kind == "event":
                notices.append(self._event(call, text))
            elif call.kind == "alias":
                notices.append(self._alias(call))
            else:
                notices.extend(self._facts(call))
            if self._devices:
                notices.extend(self._devices)
                self._devices.clear()
        return notices

    def remember(self) -> None:
        """Do not repeat, for a while, what has become durable."""
        self._resources.known.remember(self._noted, self._now)

    def _identities(self, call: Call) -> tuple[Identity, ...]:
        if not call.anonymous_id:
            return (Identity(self._workspace_id, "user_id", call.user_id),)
        anonymous = Identity(self._workspace_id, "anonymous_id", call.anonymous_id)
        return (Identity(self._workspace_id, "user_id", call.user_id), anonymous) if call.user_id else (anonymous,)

    def _event(self, call: Call, text: str) -> Notice:
        identities = self._identities(call)
        event = Word(
            kind="event",
            name=call.name,
            data=text,
            source_id=call.source_id or None,
            occurred_at=_occurred_at(call, self._now),
        )
        news = self._news(identities[0], call.surroundings)
        words = (event,) if news is None else (*self._asides(news), event)
        return self._notice(identities, words, call.attributes)

    def _alias(self, call: Call) -> Notice:
        """Take the previous id for a user's and for a visitor's: nothing tells which of the two it was, or will be."""
        lead = user_identity(self._workspace_id, call.user_id)
        former = user_identity(self._workspace_id, call.previous_id)
        visitor = anonymous_identity(self._workspace_id, call.previous_id)
        notice = self._notice((lead, former, visitor), (Word(kind="attributes", data='{"operations":[]}'),))
        return msgspec.structs.replace(notice, joins_users=True)

    def _facts(self, call: Call) -> Iterator[Notice]:
        """Yield the attributes of a person, and the address among them."""
        identities = self._identities(call)
        news = self._news(identities[0], call.surroundings)
        data = {"operations": list(_operations(call))} | ({} if news is None else self._said(news))
        yield self._notice(identities, (Word(kind="attributes", data=json_text(data)), *_browser(news)))
        address = call.attributes.get(EMAIL_TRAIT) if call.kind == "identify" else None
        if isinstance(address, str) and len(address) <= IDENTITY_MAX and EMAIL.fullmatch(address):
            device = {"hwid": address.lower(), "channel": "email", "platform": "Email"}
            yield self._reach(identities[0], device)

    def _reach(self, lead: Identity, device: Mapping[str, Any]) -> Notice:
        address = device_identity(self._workspace_id, device["hwid"])
        return self._notice((lead, address), (Word(kind="device", data=json_text(device)),))

    def _notice(
        self, identities: tuple[Identity, ...], words: tuple[Word, ...], attributes: Mapping[str, Any] | None = None
    ) -> Notice:
        return Notice(
            workspace_id=self._workspace_id,
            app_id=self._app_id,
            identities=identities,
            words=words,
            attributes=attributes or {},
        )

    def _news(self, lead: Identity, said: Surroundings | None) -> Surroundings | None:
        """Return the surroundings if they are not what was said last of the person."""
        if said is None or self._resources.known.is_known(lead, said, self._noted, self._now):
            return None
        self._noted[lead] = said
        if said.push_token:
            platform, channel = DEVICE_TYPES[said.device_type]
            device = {
                "hwid": said.device_id,
                "channel": channel,
                "platform": platform,
                "push_token": said.push_token,
                "details": said.details,
            }
            self._devices.append(self._reach(lead, device))
        return said

    def _asides(self, news: Surroundings) -> Iterator[Word]:
        """Yield what an event says by the way, before the event: what it begins may ask for it."""
        if said := self._said(news):
            yield Word(kind="attributes", data=json_text({"operations": []} | said))
        yield from _browser(news)

    def _said(self, news: Surroundings) -> dict[str, Any]:
        said: dict[str, Any] = {}
        if news.language:
            said["language"] = news.language
        if news.time_zone in self._zones:
            said["time_zone"] = news.time_zone
        if news.location:
            said["location"] = news.location
        return said


def _browser(news: Surroundings | None) -> Iterator[Word]:
    """Yield the row of a browser. Its id is a visitor's and no hwid: who shares a browser stays who they are."""
    if news is not None and news.browser_id:
        device = {"hwid": news.browser_id, "channel": "in_app", "platform": "Web", "details": news.details}
        yield Word(kind="device", data=json_text(device))


def _operations(call: Call) -> Iterator[AttributeOperation]:
    if call.kind == "group":
        yield AttributeOperation("set", GROUP_ID, call.group_id)
        if call.attributes:
            yield AttributeOperation("set", GROUP, call.attributes)
        return
    for name, value in call.attributes.items():
        yield AttributeOperation("unset" if value is None else "set", name, value)


def _occurred_at(call: Call, now: datetime) -> datetime | None:
    """Return when a call was made, by our clock: as long before now as it was before it was sent."""
    if call.timestamp is None or call.sent_at is None:
        return event_time(call.timestamp, now)
    try:
        return event_time(now - (_aware(call.sent_at) - _aware(call.timestamp)), now)
    except OverflowError:
        return None


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _checked_texts(calls: Sequence[Call], undefined: AbstractSet[str]) -> Sequence[str]:
    """Return the attributes of calls as JSON texts. `undefined` are the names of events that are not taken.

    Raises:
        InvalidDocument: With the problems of all calls.
    """
    texts = _texts(calls)
    if undefined or not _are_sound(calls, texts):
        refuse(problem for place, call in enumerate(calls) for problem in _problems(f"calls/{place}", call, undefined))
    return texts


def _texts(calls: Sequence[Call]) -> Sequence[str]:
    """Spell the attributes of calls. Nothing at all if some cannot be."""
    try:
        return [json_text(call.attributes) for call in calls]
    except (OverflowError, UnicodeEncodeError, ValueError):
        return ()


def _are_sound(calls: Sequence[Call], texts: Sequence[str]) -> bool:
    """Tell, soon and for many at once, whether there is nothing to look for in calls; in most there is nothing."""
    ids = [
        each
        for call in calls
        for each in (call.user_id, call.anonymous_id, call.previous_id, call.group_id, call.source_id, call.name)
    ]
    tags = set[str]().union(*[call.attributes for call in calls])
    return (
        len(texts) == len(calls)
        and not any(map(_is_missing, calls))
        and max(map(len, ids), default=0) <= IDENTITY_MAX
        and max(map(len, tags), default=0) <= NAME_MAX
        and "" not in tags
        and "\0" not in "".join(ids)
        and _NUL not in (said := "".join(texts))
        and not _ENDLESS.search(said[::32])
        and not (max(map(len, texts), default=0) > 2 * NESTED_MAX and any(map(_may_be_deep, texts)))
    )


def _may_be_deep(text: str) -> bool:
    """Tell whether more lists and objects begin in a text than may lie in one another. A short one has not the room."""
    return text.count("{") + text.count("[") > NESTED_MAX


def _problems(place: str, call: Call, undefined: AbstractSet[str]) -> Iterator[Problem]:
    if call.kind == "event" and call.name in undefined:
        yield Problem("event.undefined", f"{place}/name", UNDEFINED)
    if not _are_sound((call,), _texts((call,))):
        yield from _id_problems(place, call)
        if call.kind == "event":
            yield from name_problems(call.name, f"{place}/name")
        yield from document_problems(call.attributes, f"{place}/attributes")


def _is_missing(call: Call) -> bool:
    """Tell whether a call lacks what every call of its kind has."""
    if call.kind == "alias":
        return not (call.user_id and call.previous_id)
    if not (call.user_id or call.anonymous_id):
        return True
    return not (call.name if call.kind == "event" else call.group_id or call.kind != "group")


def _id_problems(place: str, call: Call) -> Iterator[Problem]:
    if call.kind == "alias":
        needed = ("user_id", "previous_id")
    else:
        if not call.user_id and not call.anonymous_id:
            yield Problem("subject.missing", f"{place}/user_id", "a user id or an anonymous id is required")
        needed = ("group_id",) if call.kind == "group" else ()
    for name in ("user_id", "anonymous_id", "previous_id", "group_id", "source_id"):
        value = cast("str", getattr(call, name))
        if name in needed and not value:
            yield Problem("id.missing", f"{place}/{name}", "is required")
        yield from id_problems(value, f"{place}/{name}")
