"""Reader: a JSON document that spells a segment's syntax tree, or everything that is wrong with it.

Only shapes are decided here. What a condition may say is for the compiler's check of segments, which has the same
places.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, cast, get_args

import msgspec

from sojourn.model.problems import Problem, SojournError
from sojourn.model.segments import All, AnyOf, Condition, Expression, Not, Operator

MAX_CONDITIONS = 2_000
MAX_DEPTH = 100
MAX_ITEMS = 1_000
MAX_TEXT = 20_000
LEVELS_OF_FIELD = 4
SHOWN = 40

_KINDS = {cast("str", kind.__struct_config__.tag): kind for kind in get_args(Condition)}
_ALL_KINDS = ("all", "any", "not", *sorted(_KINDS))
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")

_PLACE = re.compile(r" - at `\$(.*)`$")
_LIMIT = re.compile(r"Expected `(\w+)`(?: of length)? (>=|<=) (\S+)")
_WRONG = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_NAMED = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)
_WORDS = {
    "array": "a list", "bool": "a boolean", "float": "a number", "int": "a whole number", "null": "null",
    "object": "an object", "str": "a text",
}  # fmt: skip


class JsonSegmentRefused(SojournError):
    """The document spells no segment.

    The places of its problems are paths into the document, such as `of/0/values/1`; that of the root is empty.
    """

    code = "segment.json"


def parse(document: object) -> Expression:
    """Read a segment, as decoded from JSON.

    >>> parse({"kind": "not", "of": {"kind": "segment", "code": "VIP"}})
    Not(of=Reference(code='VIP'))

    Raises:
        JsonSegmentRefused: With all problems, of each field the first.
    """
    reading = _Reading()
    expression = reading.read(document, "", 1)
    if reading.problems:
        raise JsonSegmentRefused(problems=tuple(reading.problems))
    return expression


def render(expression: Expression) -> dict[str, object]:
    """Write a segment. Reading it again gives the same segment."""
    # By way of text, since `to_builtins` leaves tuples as they are; msgspec's decoder would round long integers.
    return json.loads(msgspec.json.encode(expression))


class _Reading:
    """One reading of a document: it goes on after a problem, with something that is never used."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._nodes = 0

    def read(self, document: object, where: str, level: int) -> Expression:  # noqa: PLR0911 - one case per kind
        """Read a set operation or a condition."""
        self._nodes += 1
        if level > MAX_DEPTH or self._nodes > MAX_CONDITIONS:
            rule = f"a segment has at most {MAX_DEPTH} levels and {MAX_CONDITIONS:,} conditions"
            self._refuse(where, rule, code="segment.too_large")
            return All()
        if not isinstance(document, dict):
            self._refuse(where, "a condition is an object")
            return All()
        fields = cast("dict[object, object]", document)
        match fields.get("kind"):
            case "all":
                return All(of=self._parts(fields, where, level))
            case "any":
                return AnyOf(of=self._parts(fields, where, level))
            case "not":
                self._check_names(fields, {"kind", "of"}, where)
                return Not(of=self.read(fields.get("of"), _below(where, "of"), level + 1))
            case str(kind) if kind in _KINDS:
                return self._condition(_KINDS[kind], fields, where)
            case _:
                self._refuse(_below(where, "kind"), f"`kind` is one of {', '.join(_ALL_KINDS)}")
                return All()

    def _refuse(self, where: str, text: str, *, code: str = "segment.json") -> None:
        self.problems.append(Problem(code, where, text))

    def _parts(self, fields: Mapping[object, object], where: str, level: int) -> tuple[Expression, ...]:
        self._check_names(fields, {"kind", "of"}, where)
        given = fields.get("of", [])
        if not isinstance(given, list):
            self._refuse(_below(where, "of"), "`of` is a list of conditions")
            return ()
        parts: list[Expression] = []
        for number, part in enumerate(cast("list[object]", given)):
            parts.append(self.read(part, _below(where, f"of/{number}"), level + 1))
            if self._nodes > MAX_CONDITIONS:
                break
        return tuple(parts)

    def _condition(self, kind: type[Condition], fields: Mapping[object, object], where: str) -> Expression:
        known = len(self.problems)
        expected = msgspec.structs.fields(kind)
        self._check_names(fields, {"kind", *(field.name for field in expected)}, where)
        for field in expected:
            if field.name in fields:
                self._check_field(fields[field.name], field.type, _below(where, field.name))
            elif field.required:
                self._refuse(where, f"`{field.name}` is missing")
        return All() if len(self.problems) > known else msgspec.convert(fields, kind)

    def _check_names(self, fields: Mapping[object, object], known: set[str], where: str) -> None:
        for name in fields:
            if name not in known:
                self._refuse(where, f"`{_shown(name)}` is not known; there are {', '.join(sorted(known))}")

    def _check_field(self, value: object, type_: Any, where: str) -> None:  # noqa: ANN401 - a type, as msgspec says it
        if (rule := _rule_broken(value)) is not None:
            self._refuse(where, rule)
            return
        try:
            msgspec.convert(value, type_)
        except msgspec.ValidationError as error:
            step, text = _told(str(error))
            self._refuse(f"{where}{step}", text)


def _rule_broken(value: object) -> str | None:
    """Say which rule the texts and lists in a condition's field break. No field has deeper ones than are looked at."""
    level = [value]
    for _ in range(LEVELS_OF_FIELD):
        texts = [each for each in level if isinstance(each, str)]
        if any(len(text) > MAX_TEXT for text in texts) or any(len(_items(each)) > MAX_ITEMS for each in level):
            return f"a text has at most {MAX_TEXT:,} characters, a list {MAX_ITEMS:,} items"
        if any(map(_UNWRITABLE.search, texts)):
            return "text holds neither NUL nor half of a surrogate pair"
        level = [item for each in level for item in _items(each)]
    return None


def _items(value: object) -> list[object]:
    if isinstance(value, dict):
        fields = cast("dict[object, object]", value)
        return [*fields, *fields.values()]
    return cast("list[object]", value) if isinstance(value, list) else []


def _told(message: str) -> tuple[str, str]:
    """Return the place below a field, and what is wrong there.

    >>> _told("Expected `str` of length <= 255 - at `$[1]`")
    ('/1', 'the text has at most 255 characters')
    >>> _told("Expected `int | null`, got `str`")
    ('', 'a whole number or null belongs here, not a text')
    """
    found = _PLACE.search(message)
    place = re.findall(r"\w+", found[1]) if found else []
    step = "".join(f"/{each}" for each in place)
    message = message[: found.start()] if found else message
    if limit := _LIMIT.fullmatch(message):
        return step, _limit_told(*limit.groups())
    if wrong := _WRONG.fullmatch(message):
        return step, f"{_words(wrong[1])} belongs here, not {_words(wrong[2])}"
    if named := _NAMED.fullmatch(message):
        what = "is missing" if named[1] == "missing required" else "is not known"
        return step, f"`{_shown(named[2])}` {what}"
    if message.startswith("Invalid enum value"):
        return step, f"an operator is one of {', '.join(get_args(Operator))}"
    return step, "a value is not of the kind that belongs here"


def _limit_told(type_: str, way: str, limit: str) -> str:
    bound = f"{'at least' if way == '>=' else 'at most'} {limit.removesuffix('.0')}"
    ending = "" if limit == "1" else "s"
    match type_:
        case "array":
            return f"the list has {bound} item{ending}"
        case "str":
            return f"the text has {bound} character{ending}"
        case _:
            return f"the number is {bound}"


def _words(types: str) -> str:
    return " or ".join(_WORDS.get(each, each) for each in types.split(" | "))


def _shown(name: object) -> str:
    return _UNWRITABLE.sub("?", str(name)[:SHOWN])


def _below(where: str, step: str) -> str:
    return f"{where}/{step}" if where else step
