"""Calls: the conditions of the language in functional form, and the operators in function's clothing."""

from collections.abc import Callable, Mapping
from typing import Any

from sojourn.model.segments import (
    All,
    AnyOf,
    Application,
    Attribute,
    BestTime,
    Comparison,
    Condition,
    Event,
    EventAttribute,
    EventSum,
    Expression,
    Fact,
    Geo,
    Not,
    Reference,
    Static,
    Updated,
)
from sojourn.seglang.terms import AttributeName, Chain, Items, Literal, Pending, Place, Terms, Word, checked, plain

MAX_DEPTH = 100

WITH_TOKENS = "withtokens"

COMPARED = ("count", "first", "last", "when")
"""What is compared of a set of events without being named further."""


def finished(chain: Chain) -> Expression:
    """Return what a chain stands for. No method may be waiting for its operator."""
    if chain.pending is not None:
        subject = chain.pending.subject
        what = "a tag" if subject == "attribute" else f"`{subject}`"
        raise chain.place.refusal(f"{what} needs an operator and its values, such as `.eq(…)`", "an operator")
    return chain.parts[0] if len(chain.parts) == 1 else All(of=chain.parts)


def height(chain: Chain) -> int:
    """Count the levels of what a chain stands for."""
    return chain.depth + (len(chain.parts) > 1)


def joined(place: Place, kind: type[All | AnyOf], chains: list[Chain], *, is_union: bool = False) -> Chain:
    """Return the chain for everybody in all, or in any, of the given ones."""
    depth = 1 + max(map(height, chains), default=0)
    leaves = tuple(leaf for chain in chains for leaf in chain.leaves)
    return nested(place, kind(of=tuple(map(finished, chains))), depth, leaves, is_union=is_union)


def negated(place: Place, chain: Chain) -> Chain:
    """Return the chain for everybody else."""
    return nested(place, Not(of=finished(chain)), 1 + height(chain), chain.leaves)


def nested(
    place: Place, expression: Expression, depth: int, leaves: tuple[Place, ...], *, is_union: bool = False
) -> Chain:
    """Return a chain of one part, not nested deeper than is allowed."""
    limit_depth(place, depth)
    return Chain(place, (expression,), depth, leaves, is_union=is_union)


def limit_depth(place: Place, depth: int) -> None:
    """Refuse what nests too deep for the passes that follow."""
    if depth > MAX_DEPTH:
        raise place.refusal(f"conditions nest at most {MAX_DEPTH} levels")


def call(place: Place, name: str, terms: Terms) -> Chain | AttributeName:
    """Return what a call stands for."""
    make = CALLS.get(plain(name))
    if make is None:
        raise place.refusal(f"there is no `{name}`; conditions are {', '.join(CONDITIONS)}", *CONDITIONS)
    made = make(terms)
    terms.end()
    return made


def attribute(chain: Chain, terms: Terms) -> Chain:
    """Add a condition on an attribute, or the start of one."""
    path = terms.path()
    if terms.next is None:
        return _with(chain, pending=Pending("attribute", terms.place, path))
    return with_attribute(chain, terms.place, path, terms.comparison())


def with_attribute(chain: Chain, place: Place, path: tuple[str, ...], wanted: Comparison) -> Chain:
    """Add a condition on an attribute, which starts at a place."""
    condition = Attribute(
        path=path, app=chain.app, operator=wanted.operator, values=wanted.values, fold_case=wanted.fold_case
    )
    return _with(chain, (place, checked(condition, chain.place)))


def event(chain: Chain, terms: Terms) -> Chain:
    """Add a condition on events."""
    name = terms.text("the name of an event in quotes")
    fields: dict[str, Any] = {}
    where: list[EventAttribute] = []
    while terms.next is not None:
        if isinstance(terms.next, AttributeName):
            path = terms.next.path
            terms.take()
            where.append(event_attribute(path, terms.comparison()))
        else:
            place, clause = terms.next.place, _event_clause(terms)
            if repeated := clause.keys() & fields.keys():
                raise place.refusal(f"`{repeated.pop()}` stands twice; a segment may name an event several times")
            fields |= clause
    fields.setdefault("app", chain.app)
    condition = Event(name=name, where=tuple(where), **fields)
    return _with(chain, (terms.place, checked(condition, chain.place)))


def _event_clause(terms: Terms) -> dict[str, Any]:
    """Read one of the clauses that an event has once."""
    for word in COMPARED:
        if terms.is_word(word):
            return {word: terms.comparison()}
    if terms.is_word("sum"):
        return {"sum": event_sum(terms.path(), terms.comparison())}
    if terms.is_word("days"):
        return {"days": terms.whole("a number of days")}
    if terms.is_word("app"):
        return {"app": terms.text("the code of an app in quotes")}
    raise terms.refusal('`count`, `sum`, `first`, `last`, `when`, `days`, `app` or `attr("…")`')


def event_sum(path: tuple[str, ...], wanted: Comparison) -> EventSum:
    """Return a condition on the sum of an attribute of events."""
    return EventSum(path=path, operator=wanted.operator, values=wanted.values, fold_case=wanted.fold_case)


def event_attribute(path: tuple[str, ...], wanted: Comparison) -> EventAttribute:
    """Return a condition on an attribute of an event."""
    return EventAttribute(path=path, operator=wanted.operator, values=wanted.values, fold_case=wanted.fold_case)


def platforms(terms: Terms, present: Application) -> Application:
    """Read platforms, in lists or not, and the word `with_tokens`."""
    names = list(present.platforms)
    with_tokens = present.with_tokens
    flat = [item for term in iter(terms.take, None) for item in (term.items if isinstance(term, Items) else (term,))]
    for item in flat:
        match item:
            case Word(name=name) if plain(name) == WITH_TOKENS:
                with_tokens = True
            case Word(name=name) | Literal(value=str(name)):
                names.append(name)
            case _:
                raise item.place.refusal("a platform is a word or a text", "a platform")
    return Application(app=present.app, platforms=tuple(names), with_tokens=with_tokens)


def _with(chain: Chain, *more: tuple[Place, Condition], pending: Pending | None = None) -> Chain:
    """Add conditions with the places where they start, or what waits for its operator."""
    parts = (*chain.parts, *(condition for _, condition in more))
    leaves = (*chain.leaves, *(place for place, _ in more))
    return Chain(chain.place, parts, chain.depth, leaves, chain.app, pending=pending)


def _condition(terms: Terms, condition: Application | BestTime | Fact | Geo | Reference | Static | Updated) -> Chain:
    return Chain(terms.place, (checked(condition, terms.place),), leaves=(terms.place,))


# What each call takes ---------------------------------------------------------------------------------------


def _application(terms: Terms) -> Chain:
    present = Application(app=terms.text("the code of an app in quotes"))
    chain = _condition(terms, platforms(terms, present))
    return Chain(chain.place, chain.parts, leaves=chain.leaves, app=present.app)


def _tag(terms: Terms) -> Chain:
    return attribute(Chain(terms.place, ()), terms)


def _app_tag(terms: Terms) -> Chain:
    app = terms.text("the code of an app in quotes")
    return attribute(Chain(terms.place, (), app=app), terms)


def _tag_of_either(terms: Terms) -> Chain:
    """Read `Tag("APP", "City", EQ, …)` or `Tag("City", EQ, …)`."""
    return _app_tag(terms) if terms.is_name_after_name() else _tag(terms)


def _event(terms: Terms) -> Chain:
    return event(Chain(terms.place, ()), terms)


def _fact(terms: Terms) -> Chain:
    path = terms.path()
    wanted = terms.comparison()
    return _condition(
        terms, Fact(path=path, operator=wanted.operator, values=wanted.values, fold_case=wanted.fold_case)
    )


def _updated(terms: Terms) -> Chain:
    wanted = terms.comparison()
    return _condition(terms, Updated(operator=wanted.operator, values=wanted.values, fold_case=wanted.fold_case))


def _geo(terms: Terms) -> Chain:
    latitude, longitude, radius = (terms.number(f"the {what}") for what in ("latitude", "longitude", "radius in km"))
    return _condition(terms, Geo(latitude=latitude, longitude=longitude, radius_km=radius))


def _best_time(terms: Terms) -> Chain:
    from_hour, to_hour = terms.whole("the first hour"), terms.whole("the last hour")
    return _condition(terms, BestTime(from_hour=from_hour, to_hour=to_hour))


def _segment(terms: Terms) -> Chain:
    return _condition(terms, Reference(code=terms.text("the code of a segment in quotes")))


def _static(terms: Terms) -> Chain:
    return _condition(terms, Static(code=terms.text("the code of a list in quotes")))


def _attribute_name(terms: Terms) -> AttributeName:
    return AttributeName(terms.place, terms.path())


def _all(terms: Terms) -> Chain:
    return joined(terms.place, All, operands(terms))


def _any(terms: Terms) -> Chain:
    return joined(terms.place, AnyOf, operands(terms))


def _not(terms: Terms) -> Chain:
    return negated(terms.place, operand(terms))


def operand(terms: Terms) -> Chain:
    """Take a condition."""
    match terms.next:
        case Chain() as chain:
            terms.take()
            return chain
        case _:
            raise terms.refusal("a condition")


def operands(terms: Terms) -> list[Chain]:
    """Take conditions to the end."""
    found: list[Chain] = []
    while terms.next is not None:
        found.append(operand(terms))
    return found


CONDITIONS = ("A", "T", "AT", "Event", "Segment", "Static", "Updated", "Geo", "BTTS", "Fact", "And", "Or", "Not")

CALLS: Mapping[str, Callable[[Terms], Chain | AttributeName]] = {
    "a": _application,
    "and": _all,
    "app": _application,
    "application": _application,
    "at": _app_tag,
    "attr": _attribute_name,
    "btts": _best_time,
    "event": _event,
    "fact": _fact,
    "g": _application,
    "geo": _geo,
    "not": _not,
    "or": _any,
    "s": _static,
    "segment": _segment,
    "static": _static,
    "t": _tag,
    "tag": _tag_of_either,
    "tags": _tag_of_either,
    "updated": _updated,
}
