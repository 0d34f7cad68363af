"""Drafts: what an operator writes, checked for what could not even be kept, and turned into text and back."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, cast

import msgspec

from sojourn.model.graph import Graph
from sojourn.model.points import Condition, PointId
from sojourn.model.problems import Problem, part
from sojourn.service.commands import Comment, Journey, JourneyDraft, Place
from sojourn.service.errors import InvalidDocument
from sojourn.service.values import INTEGER_MAX, text_problems
from sojourn.store.journeys import JourneyText, StoredJourney

COMMENTS_MAX = 500
COMMENT_MAX = 10_000
DESCRIPTION_MAX = 10_000
PLACES_MAX = 1000
TITLE_MAX = 255

_COMMENTS = msgspec.json.Decoder(tuple[Comment, ...])
_GRAPH = msgspec.json.Decoder(Graph)
_LAYOUT = msgspec.json.Decoder(dict[str, Place])


def draft_problems(draft: JourneyDraft) -> Iterator[Problem]:
    """Find what keeps a draft from being stored. It may be far from complete."""
    if not 1 <= len(draft.title) <= TITLE_MAX:
        yield Problem("title.length", "title", f"a title has 1 to {TITLE_MAX} characters")
    if len(draft.description) > DESCRIPTION_MAX:
        yield Problem("description.length", "description", f"a description has at most {DESCRIPTION_MAX} characters")
    if len(draft.comments) > COMMENTS_MAX:
        yield Problem("comments.too_many", "comments", f"at most {COMMENTS_MAX} comments are allowed")
    if len(draft.layout) > PLACES_MAX:
        yield Problem("layout.too_many", "layout", f"at most {PLACES_MAX} places are allowed")
    for place, comment in enumerate(draft.comments):
        if len(comment.text) > COMMENT_MAX:
            yield Problem("comment.length", f"comments/{place}", f"a comment has at most {COMMENT_MAX} characters")
    storable = True
    for problem in _unstorable(msgspec.to_builtins(draft), ""):
        storable = False
        yield problem
    if storable:
        yield from _form_problems(draft.graph)
        yield from _foreign_problems(draft.graph)


def _unstorable(value: object, where: str) -> Iterator[Problem]:
    """Walk a document for values that the database's JSON cannot hold."""
    match value:
        case str():
            yield from text_problems(value, where)
        case float() if not isfinite(value):
            yield Problem("value.out_of_range", where, "a number is finite")
        case int() if abs(value) > INTEGER_MAX:
            yield Problem("value.out_of_range", where, "an integer fits into 64 bits")
        case dict():
            for key, item in cast("dict[str, object]", value).items():  # to_builtins makes every key a string
                yield from text_problems(key, where)
                yield from _unstorable(item, f"{where}/{part(key)}".removeprefix("/"))
        case list() | tuple():
            for place, item in enumerate(cast("list[object]", value)):
                yield from _unstorable(item, f"{where}/{place}")
        case _:
            pass


def _form_problems(graph: Graph) -> Iterator[Problem]:
    """Make sure that the graph can be read back. Values made in Python never went through the rules of their types."""
    try:
        _GRAPH.decode(graph_text(graph))
    except msgspec.ValidationError as failure:
        text, _, path = str(failure).partition(" - at `$")
        where = path.rstrip("`").lstrip(".").replace("[", "/").replace("]", "").replace(".", "/")
        yield Problem("document.form", where, text)


def _foreign_problems(graph: Graph) -> Iterator[Problem]:
    """Make sure that the JSON that is kept as text can be shown as JSON."""
    for place, point in enumerate(graph.points):
        for index, branch in enumerate(point.branches if isinstance(point, Condition) else ()):
            if not _is_object(branch.rule_tree):
                where = f"graph/points/{place}/branches/{index}/rule_tree"
                yield Problem("document.form", where, "a rule tree is a JSON object, as text")
    conduct = graph.settings.conduct
    if conduct is not None and not _is_object(conduct.other):
        yield Problem("document.form", "graph/settings/conduct/other", "must be a JSON object, as text")


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def unusable(draft: JourneyDraft) -> tuple[Problem, ...]:
    """Return all problems that keep a draft from being stored."""
    return tuple(draft_problems(draft))


def require_storable(draft: JourneyDraft) -> None:
    """Raise unless the draft can be stored.

    Raises:
        InvalidDocument: With all problems.
    """
    if problems := unusable(draft):
        raise InvalidDocument(problems=problems)


def graph_text(graph: Graph) -> str:
    """Encode a graph for storing."""
    return msgspec.json.encode(graph).decode()


def read_graph(stored: StoredJourney) -> Graph:
    """Decode the graph of a stored journey."""
    return _GRAPH.decode(stored.graph)


def point_kinds(graph: Graph) -> Mapping[PointId, str]:
    """Return the kind of each point; of points with one id, the last."""
    kinds: dict[PointId, str] = {}
    for point in graph.points:
        tag: Any = point.__struct_config__.tag
        kinds[point.id] = tag
    return kinds


def journey_text(draft: JourneyDraft, *, app_id: int, editor: str) -> JourneyText:
    """Put what an operator wrote into the form in which it is stored."""
    return JourneyText(
        app_id=app_id,
        title=draft.title,
        description=draft.description,
        layout=msgspec.json.encode(draft.layout).decode(),
        comments=msgspec.json.encode(draft.comments).decode(),
        category_uuid=draft.category_uuid,
        last_edited_by=editor,
    )


def journey_draft(stored: StoredJourney) -> JourneyDraft:
    """Return what an operator wrote about a stored journey."""
    return JourneyDraft(
        title=stored.title,
        description=stored.description,
        graph=read_graph(stored),
        layout=_LAYOUT.decode(stored.layout),
        comments=_COMMENTS.decode(stored.comments),
        category_uuid=stored.category_uuid,
    )


def journey_reply(stored: StoredJourney) -> Journey:
    """Show a stored journey."""
    return Journey(
        journey=stored.journey_uuid,
        title=stored.title,
        description=stored.description,
        status=stored.status,
        version=stored.version_no,
        graph=read_graph(stored),
        layout=_LAYOUT.decode(stored.layout),
        comments=_COMMENTS.decode(stored.comments),
        category_uuid=stored.category_uuid,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        first_started_at=stored.first_started_at,
        stop_reason=stored.stop_reason,
        last_edited_by=stored.last_edited_by,
        site=stored.site_id,
        audience=stored.audience,
    )
