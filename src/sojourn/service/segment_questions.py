"""Questions about a segment: how many people are in it, who, and why somebody is or is not."""

from collections.abc import Iterator
from dataclasses import dataclass

from sojourn.compiler.seen import conditions, question
from sojourn.compiler.segments import SegmentScope
from sojourn.model.identities import Person, device_identity, user_identity
from sojourn.model.problems import Problem
from sojourn.model.segments import All, AnyOf, Expression, Not, Reference
from sojourn.seglang import render
from sojourn.service.commands import (
    Caller,
    CountSegment,
    Explained,
    ExplainSegment,
    People,
    PreviewSegment,
    SampledPerson,
)
from sojourn.service.errors import PersonNotFound, SegmentNotFound
from sojourn.service.resources import Resources
from sojourn.service.scopes import load_scope
from sojourn.service.segment_sweeps import restriction_across
from sojourn.service.segments import parsed, read_tree, require_meaning, source_problems
from sojourn.service.values import id_problems, name_problems, refuse, text_problems
from sojourn.store.asking import ask_about_person, asking, count_people, sample_people
from sojourn.store.connection import Conn
from sojourn.store.definitions import read_shards
from sojourn.store.identities import find_identities

ATTRIBUTES_MAX = 50
SAMPLE_MAX = 100

_Asking = CountSegment | ExplainSegment | PreviewSegment


@dataclass(frozen=True, slots=True)
class _Meant:
    """The segment that a question is about."""

    expression: Expression
    scope: SegmentScope


async def count_segment(resources: Resources, caller: Caller, command: CountSegment) -> People:
    """Count the people in a segment. Raises as `preview_segment`."""
    return await preview_segment(resources, caller, PreviewSegment(code=command.code, source=command.source, sample=0))


async def preview_segment(resources: Resources, caller: Caller, command: PreviewSegment) -> People:
    """Count the people in a segment, and show the first, as of one moment.

    Raises:
        InvalidDocument: With all problems.
        InvalidFilter: The filter has no meaning.
        SegmentNotFound: The workspace has none of this code.
        TookTooLong: The database took more than a minute.
    """
    refuse(_preview_problems(command))
    async with asking(resources.pool) as conn:
        meant = await _meant(conn, caller, command)
        shards = await read_shards(conn)
        who = await restriction_across(conn, meant.expression, meant.scope, shards=shards, now=resources.clock())
        count = await count_people(conn, workspace_id=caller.workspace_id, shards=shards, who=who)
        if not count or not command.sample:
            return People(count=count)
        found = await sample_people(
            conn, workspace_id=caller.workspace_id, shards=shards, who=who, count=command.sample
        )
    wanted = command.attributes
    return People(
        count=count,
        sample=tuple(
            SampledPerson(
                profile=profile,
                user_id=user_id,
                attributes={name: attributes[name] for name in wanted if name in attributes},
            )
            for profile, user_id, attributes in found
        ),
    )


async def explain_segment(resources: Resources, caller: Caller, command: ExplainSegment) -> Explained:
    """Say of every condition of a segment whether a person meets it, and what they have.

    Raises:
        PersonNotFound: The workspace has no such person.
        TookTooLong: The database took more than a minute.
        And as `preview_segment`.
    """
    refuse(_explain_problems(command))
    shard_count = await resources.facts.shard_count()
    async with asking(resources.pool) as conn:
        meant = await _meant(conn, caller, command)
        person = await _person(conn, caller, command, shard_count)
        leaves = conditions(meant.expression, meant.scope)
        asked = question([leaf.condition for leaf in leaves], meant.scope)
        values = {
            **asked.parameters.values,
            "now": resources.clock(),
            "shard": person.shard,
            "profile_id": person.profile_id,
        }
        answer = await ask_about_person(conn, asked.sql, values)
    if answer is None:
        raise PersonNotFound
    return _explained(meant.expression, meant.scope, zip(*answer, strict=True))


def _explained(expression: Expression, scope: SegmentScope, answers: Iterator[tuple[bool, object]]) -> Explained:
    """Put the answers, which come in the order of the conditions, where they belong."""
    match expression:
        case All(of=of):
            parts = tuple(_explained(part, scope, answers) for part in of)
            return Explained(kind="all", is_met=all(part.is_met for part in parts), parts=parts)
        case AnyOf(of=of):
            parts = tuple(_explained(part, scope, answers) for part in of)
            return Explained(kind="any", is_met=any(part.is_met for part in parts), parts=parts)
        case Not(of=of):
            part = _explained(of, scope, answers)
            return Explained(kind="not", is_met=not part.is_met, parts=(part,))
        case Reference(code=code):
            part = _explained(scope.segments[code], scope, answers)
            return Explained(kind="segment", is_met=part.is_met, text=render(expression), parts=(part,))
        case _:
            is_met, value = next(answers)
            return Explained(kind="condition", is_met=is_met, text=render(expression), value=value)


async def _meant(conn: Conn, caller: Caller, command: _Asking) -> _Meant:
    scope = await load_scope(conn, caller.workspace_id)
    if command.code and command.code not in scope.segments:
        raise SegmentNotFound
    tree = command.rule_tree if isinstance(command, PreviewSegment) else None
    if tree is not None:
        expression = read_tree(tree)
    else:
        expression = scope.segments[command.code] if command.code else parsed(command.source)
    require_meaning(expression, scope, "" if tree is not None else command.source)
    return _Meant(expression, scope)


async def _person(conn: Conn, caller: Caller, command: ExplainSegment, shard_count: int) -> Person:
    if command.user_id:
        identity = user_identity(caller.workspace_id, command.user_id)
    else:
        identity = device_identity(caller.workspace_id, command.hwid)
    found = await find_identities(conn, {identity}, shard_count=shard_count)
    if identity not in found:
        raise PersonNotFound
    return found[identity]


def _problems(command: _Asking) -> Iterator[Problem]:
    tree = command.rule_tree if isinstance(command, PreviewSegment) else None
    if [bool(command.code), bool(command.source), tree is not None].count(True) != 1:
        yield Problem("segment.which", "source", "exactly one of `code` and `source` is required")
    yield from text_problems(command.code, "code")
    yield from source_problems(command.source)


def _preview_problems(command: PreviewSegment) -> Iterator[Problem]:
    yield from _problems(command)
    if not 0 <= command.sample <= SAMPLE_MAX:
        yield Problem("sample.range", "sample", f"a sample has 0 to {SAMPLE_MAX} people")
    if len(command.attributes) > ATTRIBUTES_MAX:
        yield Problem("attributes.too_many", "attributes", f"at most {ATTRIBUTES_MAX} attributes are allowed")
        return
    for place, name in enumerate(command.attributes):
        yield from name_problems(name, f"attributes/{place}")


def _explain_problems(command: ExplainSegment) -> Iterator[Problem]:
    yield from _problems(command)
    if bool(command.user_id) == bool(command.hwid):
        yield Problem("subject.which", "user_id", "exactly one of `user_id` and `hwid` is required")
    yield from id_problems(command.user_id, "user_id")
    yield from id_problems(command.hwid, "hwid")
