"""Problems: what a refusal looks like in this dialect: a status, a code, its category, and what is wrong where."""

import re
from collections.abc import Mapping

from litestar import Response
from msgspec import Struct

from sojourn.api.common.bodies import json_response
from sojourn.api.journeys.states import state_text
from sojourn.model.problems import SojournError, name_of


class Kind(Struct, frozen=True):
    """How problems of a kind are answered."""

    status: int
    code: str
    category: str


CONFLICT = Kind(409, "CONFLICT", "RESOURCE")
INTERNAL = Kind(500, "INTERNAL", "SERVER")
INVALID = Kind(400, "VALIDATION_ERROR", "VALIDATION")
INVALID_STATE = Kind(409, "INVALID_STATE", "RESOURCE")
NOT_FOUND = Kind(404, "NOT_FOUND", "RESOURCE")
RATE_LIMITED = Kind(429, "RATE_LIMITED", "LIMIT")
UNAVAILABLE = Kind(503, "UNAVAILABLE", "SERVER")

KINDS: Mapping[str, Kind] = {
    "app.unknown": NOT_FOUND,
    "document.invalid": INVALID,
    "enrollment.active": CONFLICT,
    "entry.attribute_unknown": INVALID,
    "entry.deactivated": INVALID_STATE,
    "entry.none": INVALID_STATE,
    "entry.selector": INVALID,
    "entry.several": INVALID_STATE,
    "exists": CONFLICT,
    "filter.invalid": INVALID,
    "idempotency.mismatch": CONFLICT,
    "import.moved": CONFLICT,
    "in_use": CONFLICT,
    "internal": INTERNAL,
    "journey.invalid_state": INVALID_STATE,
    "journey.not_running": INVALID_STATE,
    "journey.unknown": NOT_FOUND,
    "method.unknown": Kind(405, "METHOD_NOT_ALLOWED", "RESOURCE"),
    "not_allowed": Kind(403, "FORBIDDEN", "AUTH"),
    "not_found": NOT_FOUND,
    "overloaded": UNAVAILABLE,
    "rate_limited": RATE_LIMITED,
    "request.malformed": INVALID,
    "request.too_large": Kind(413, "PAYLOAD_TOO_LARGE", "VALIDATION"),
    "too_long": Kind(504, "TIMEOUT", "SERVER"),
    "unauthenticated": Kind(401, "UNAUTHORIZED", "AUTH"),
    "unavailable": UNAVAILABLE,
}
"""Problem code to how it is answered; docs/reference/journeys.md lists them."""

_INDEX = re.compile(r"\[(\d+)\]")
_QUOTED = re.compile(r'\["((?:[^"\\]|\\.)*)"\]')
_FIELD, _SECOND = re.compile(r"[a-z_]+"), re.compile(r"_([a-z])")
"""A field of a command, and where its next words begin."""

_ESCAPED = re.compile(r"\\(.)")


def kind_of(code: str) -> Kind:
    """Return how a problem code is answered; what the table does not know is ours to explain."""
    return KINDS.get(code, INTERNAL)


def refusal(error: SojournError) -> dict[str, object]:
    """Return the body of a refusal."""
    kind = kind_of(error.code)
    details = [{"path": dotted(problem.where), "message": problem.text} for problem in error.problems]
    told = {"message": state_text(error), "statusCode": kind.status, "code": kind.code, "category": kind.category}
    return {"error": told | {"details": details}}


def refused(error: SojournError) -> Response[bytes]:
    """Return an error as a response."""
    return json_response(refusal(error), kind_of(error.code).status, error)


def dotted(where: str) -> str:
    r"""Spell a path as the dialect does.

    >>> dotted("nodes[0].config.triggerType"), dotted('traits["a b"].c'), dotted("[0][1]")
    ('nodes.0.config.triggerType', 'traits.a b.c', '0.1')
    >>> dotted("rule_tree/rules/0/value"), dotted("allowed_origins")
    ('ruleTree.rules.0.value', 'allowedOrigins')
    """
    if "/" in where or _FIELD.fullmatch(where):
        field, *rest = where.split("/")
        return ".".join([_SECOND.sub(lambda found: found[1].upper(), field), *map(name_of, rest)])
    plain = _INDEX.sub(r".\1", where)
    plain = _QUOTED.sub(lambda found: "." + _ESCAPED.sub(r"\1", found[1]), plain)
    return plain.removeprefix(".")
