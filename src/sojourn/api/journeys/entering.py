"""Entering: what the requests that send people to a MANUAL trigger have in common.

A trigger may name attributes that a request brings: drawn as a node `START_BY_API` with `attributes`. What comes in as
`data` are their values, which messages and later nodes read.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from sojourn.api.common.paths import joined
from sojourn.api.journeys.serving import INVALID
from sojourn.model.problems import Problem
from sojourn.service.errors import InvalidDocument, UnknownAttribute
from sojourn.service.values import ATTRIBUTES_MAX, STRING_MAX

EntryData = Annotated[
    dict[str, Annotated[str, Meta(max_length=STRING_MAX)]],
    Meta(max_length=ATTRIBUTES_MAX, description="Values of the attributes that the trigger names."),
]
ENTRY_REFUSALS = ("entry.none", "entry.several", "entry.deactivated")

_FIELDS: Mapping[str, str] = {"anonymous_ids": "anonymousIds", "attribute_values": "data", "users": "userIds"}
"""Fields of commands, and what the dialect calls them."""


@contextmanager
def in_words_of_entering() -> Generator[None]:
    """Say what is wrong with a request to enroll with the paths of the request.

    Raises:
        InvalidDocument: With all problems.
    """
    try:
        yield
    except (InvalidDocument, UnknownAttribute) as failure:
        raise InvalidDocument(INVALID, problems=tuple(map(_placed, failure.problems))) from failure


def _placed(problem: Problem) -> Problem:
    field, *rest = problem.where.split("/")
    return replace(problem, where=joined(_FIELDS.get(field, field), rest))
