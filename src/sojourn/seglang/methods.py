"""Methods: the language in method form, `A("APP").tags("City").eq("London")`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

import msgspec

from sojourn.model.segments import AnyOf, Application, Comparison, Event
from sojourn.seglang.calls import (
    attribute,
    event,
    event_attribute,
    event_sum,
    finished,
    height,
    joined,
    limit_depth,
    negated,
    nested,
    operand,
    platforms,
    with_attribute,
)
from sojourn.seglang.terms import DAYS_AGO, OPERATORS, Chain, Pending, Place, Terms, checked, plain

METHOD_NAMES = (
    "tags", "event", "platforms", "withTokens", "count", "sum", "first", "last", "when", "during", "where", "daysAgo",
    "and", "or", "not",
)  # fmt: skip


def method(chain: Chain, place: Place, name: str, terms: Terms) -> Chain:
    """Return the chain after one more method."""
    word = plain(name)
    if chain.pending is not None:
        return _operator(chain, chain.pending, place, name, terms)
    if word in OPERATORS or word == DAYS_AGO:
        raise place.refusal(
            f"`.{name}` follows `.tags(…)`, `.count`, `.sum(…)`, `.first`, `.last`, `.when` or `.where(…)`"
        )
    apply = METHODS.get(word)
    if apply is None:
        raise place.refusal(f"there is no `.{name}`; methods are {', '.join(METHOD_NAMES)}", *METHOD_NAMES)
    changed = apply(chain, terms)
    terms.end()
    return changed


def _operator(chain: Chain, pending: Pending, place: Place, name: str, terms: Terms) -> Chain:
    """Apply an operator to what waits for it."""
    if plain(name) == DAYS_AGO:
        terms.end()
        return replace(chain, pending=replace(pending, is_relative=True))
    operator = OPERATORS.get(plain(name))
    if operator is None:
        raise place.refusal(f"`.{name}` is no operator, which is due here", "an operator")
    wanted = terms.compared(operator, is_relative=pending.is_relative)
    terms.end()
    return _settled(chain, pending, wanted)


def _settled(chain: Chain, pending: Pending, wanted: Comparison) -> Chain:
    """Add the condition that the operator completes."""
    settled = replace(chain, pending=None)
    match pending.subject:
        case "attribute":
            return with_attribute(settled, pending.place, pending.path, wanted)
        case "count" | "first" | "last" | "when":
            return _with_clause(settled, pending.subject, wanted)
        case "sum":
            return _with_clause(settled, "sum", event_sum(pending.path, wanted))
        case "where":
            last = _last_event(chain)
            where = (*last.where, event_attribute(pending.path, wanted))
            return _with_event(settled, msgspec.structs.replace(last, where=where))


def _without_bare_app(chain: Chain) -> Chain:
    """Leave out the app that a chain starts with: the condition that follows names it itself."""
    is_bare = chain.app is not None and chain.parts == (Application(app=chain.app),)
    return replace(chain, parts=(), leaves=()) if is_bare else chain


def _last_event(chain: Chain) -> Event:
    last = chain.parts[-1]
    if not isinstance(last, Event):
        raise chain.place.refusal(
            "`.count`, `.sum`, `.first`, `.last`, `.when`, `.during` and `.where` follow `.event(…)`"
        )
    return last


def _with_event(chain: Chain, event: Event) -> Chain:
    return replace(chain, parts=(*chain.parts[:-1], checked(event, chain.place)))


def _with_clause(chain: Chain, clause: str, value: Comparison | int) -> Chain:
    """Add one of the clauses that an event has once."""
    last = _last_event(chain)
    if getattr(last, clause) is not None:
        raise chain.place.refusal(f"`{clause}` stands twice; a segment may name an event several times")
    return _with_event(chain, msgspec.structs.replace(last, **{clause: value}))


def _with_application(chain: Chain, name: str, change: Callable[[Application], Application]) -> Chain:
    last = chain.parts[-1]
    if not isinstance(last, Application):
        raise chain.place.refusal(f"`.{name}` follows `A(…)`")
    return replace(chain, parts=(*chain.parts[:-1], checked(change(last), chain.place)))


# What each method does --------------------------------------------------------------------------------------


def _tags(chain: Chain, terms: Terms) -> Chain:
    return attribute(_without_bare_app(chain), terms)


def _event(chain: Chain, terms: Terms) -> Chain:
    return event(_without_bare_app(chain), terms)


def _platforms(chain: Chain, terms: Terms) -> Chain:
    return _with_application(chain, terms.name, lambda present: platforms(terms, present))


def _with_tokens(chain: Chain, terms: Terms) -> Chain:
    return _with_application(chain, terms.name, lambda present: msgspec.structs.replace(present, with_tokens=True))


def _compared(subject: Literal["count", "first", "last", "when"]) -> Callable[[Chain, Terms], Chain]:
    """Return the method that compares something of the last events: `.count.gte(3)` or `.count(GTE, 3)`."""

    def apply(chain: Chain, terms: Terms) -> Chain:
        _last_event(chain)
        if terms.next is None:
            return replace(chain, pending=Pending(subject, terms.place))
        return _with_clause(chain, subject, terms.comparison())

    return apply


def _sum(chain: Chain, terms: Terms) -> Chain:
    _last_event(chain)
    path = terms.path()
    if terms.next is None:
        return replace(chain, pending=Pending("sum", terms.place, path))
    return _with_clause(chain, "sum", event_sum(path, terms.comparison()))


def _during(chain: Chain, terms: Terms) -> Chain:
    _last_event(chain)
    return _with_clause(chain, "days", terms.whole("a number of days"))


def _where(chain: Chain, terms: Terms) -> Chain:
    last = _last_event(chain)
    path = terms.path()
    if terms.next is None:
        return replace(chain, pending=Pending("where", terms.place, path))
    where = (*last.where, event_attribute(path, terms.comparison()))
    return _with_event(chain, msgspec.structs.replace(last, where=where))


def _and(chain: Chain, terms: Terms) -> Chain:
    return _extended(chain, operand(terms))


def _not(chain: Chain, terms: Terms) -> Chain:
    return _extended(chain, negated(terms.place, operand(terms)))


def _extended(chain: Chain, more: Chain) -> Chain:
    depth = max(chain.depth, height(more))
    limit_depth(chain.place, 1 + depth)
    parts, leaves = (*chain.parts, finished(more)), chain.leaves + more.leaves
    return replace(chain, parts=parts, leaves=leaves, depth=depth, is_union=False)


def _or(chain: Chain, terms: Terms) -> Chain:
    other = operand(terms)
    if not chain.is_union:
        return joined(chain.place, AnyOf, [chain, other], is_union=True)
    (union,) = chain.parts
    assert isinstance(union, AnyOf), "a union is one part"
    depth = max(chain.depth, 1 + height(other))
    leaves = chain.leaves + other.leaves
    return nested(chain.place, AnyOf(of=(*union.of, finished(other))), depth, leaves, is_union=True)


METHODS: Mapping[str, Callable[[Chain, Terms], Chain]] = {
    "and": _and,
    "count": _compared("count"),
    "during": _during,
    "event": _event,
    "first": _compared("first"),
    "last": _compared("last"),
    "not": _not,
    "or": _or,
    "platforms": _platforms,
    "sum": _sum,
    "tag": _tags,
    "tags": _tags,
    "when": _compared("when"),
    "where": _where,
    "withtokens": _with_tokens,
}
