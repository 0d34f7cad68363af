"""Values: which attribute names, attribute values and ids are kept. Every rule names the place it was broken at."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import isfinite
from typing import Any, cast

from sojourn.model.identities import IDENTITY_MAX
from sojourn.model.problems import Problem, part
from sojourn.service.commands import Subject
from sojourn.service.errors import InvalidDocument

ATTRIBUTES_MAX = 200
DOCUMENT_NUMBER_MAX = 10**309
"""No integer of a document is as large: as many digits as other numbers may have, too."""

INTEGER_MAX = 2**63 - 1
LIST_MAX = 1000
NAME_MAX = 255
NESTED_MAX = 400
"""Levels of a document: less than half of what the decoder could read again, wherever it is called."""

PROBLEMS_MAX = 200
STRING_MAX = 10_000


def refuse(problems: Iterable[Problem]) -> None:
    """Raise all problems at once, if there are any: as many as anybody can use.

    Raises:
        InvalidDocument: With the problems; its text is that of the first.
    """
    found = tuple(islice(problems, PROBLEMS_MAX))
    if found:
        raise InvalidDocument(f"{found[0].where}: {found[0].text}", problems=found)


def attribute_problems(attributes: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """Find what keeps attributes from being stored: scalars and lists of scalars are."""
    yield from count_problems(attributes, where)
    if len(attributes) > ATTRIBUTES_MAX:
        return
    for name, value in attributes.items():
        place = f"{where}/{part(name[:NAME_MAX])}"
        yield from name_problems(name, place)
        yield from value_problems(value, place)


def document_problems(attributes: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """Find what keeps attributes of any depth from being stored. How large they are was limited when they came."""
    for name, value in attributes.items():
        place = f"{where}/{part(name[:NAME_MAX])}"
        yield from name_problems(name, place)
        yield from _nested_problems(value, place)


def _nested_problems(value: Any, where: str, depth: int = 1) -> Iterator[Problem]:  # noqa: ANN401 - whatever JSON can say
    match value:
        case dict() | list() if depth > NESTED_MAX:
            yield Problem("value.too_deep", where, f"lists and objects nest at most {NESTED_MAX} levels")
        case dict():
            for name, member in cast("dict[str, Any]", value).items():
                yield from text_problems(name, where)
                yield from _nested_problems(member, f"{where}/{part(name[:NAME_MAX])}", depth + 1)
        case list():
            for place, item in enumerate(cast("list[Any]", value)):
                yield from _nested_problems(item, f"{where}/{place}", depth + 1)
        case str():
            yield from text_problems(value, where)
        case int() if abs(value) >= DOCUMENT_NUMBER_MAX:
            yield Problem("value.out_of_range", where, "an integer has at most 309 digits")
        case int():  # kept as it is: whoever sends documents does not choose how long their numbers are
            pass
        case _:
            yield from _scalar_problems(value, where)


def count_problems(items: Sequence[Any] | Mapping[str, Any], where: str) -> Iterator[Problem]:
    """Check how many attributes there are."""
    if len(items) > ATTRIBUTES_MAX:
        yield Problem("attributes.too_many", where, f"at most {ATTRIBUTES_MAX} attributes are allowed")


def name_problems(name: str, where: str) -> Iterator[Problem]:
    """Check the name of an attribute or event."""
    if not 1 <= len(name) <= NAME_MAX:
        yield Problem("name.length", where, f"a name has 1 to {NAME_MAX} characters")
    yield from text_problems(name, where)


def title_problems(title: str) -> Iterator[Problem]:
    """Check the title of what an operator defines."""
    yield from name_problems(title, "title")


def code_problems(code: str) -> Iterator[Problem]:
    """Check the code that something is to be kept under; an empty one leaves the choice to us."""
    if len(code) > NAME_MAX:
        yield Problem("code.length", "code", f"a code has at most {NAME_MAX} characters")
    yield from text_problems(code, "code")


def value_problems(value: Any, where: str) -> Iterator[Problem]:  # noqa: ANN401 - whatever JSON can say
    """Check the value of an attribute."""
    if not isinstance(value, list | tuple):
        yield from _scalar_problems(value, where)
        return
    items = cast("Sequence[object]", value)  # JSON lists hold anything
    if len(items) > LIST_MAX:
        yield Problem("value.too_long", where, f"a list has at most {LIST_MAX} items")
        return
    for place, item in enumerate(items):
        yield from _scalar_problems(item, f"{where}/{place}")


def _scalar_problems(value: object, where: str) -> Iterator[Problem]:
    match value:
        case None | bool():
            pass
        case str():
            if len(value) > STRING_MAX:
                yield Problem("value.too_long", where, f"a string has at most {STRING_MAX} characters")
            yield from text_problems(value, where)
        case int():
            if abs(value) > INTEGER_MAX:
                yield Problem("value.out_of_range", where, "an integer fits into 64 bits")
        case float():
            if not isfinite(value):
                yield Problem("value.out_of_range", where, "a number is finite")
        case _:
            yield Problem("value.type", where, "a value is a string, number, boolean or null, or a list of these")


def text_problems(text: str, where: str) -> Iterator[Problem]:
    """Check that the database can hold a text."""
    if "\0" in text or not _is_unicode(text):
        yield Problem("value.characters", where, "text holds Unicode characters other than U+0000")


def _is_unicode(text: str) -> bool:
    """Tell whether the text has no lone surrogates, which some JSON decoders let through."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def subject_problems(subject: Subject) -> Iterator[Problem]:
    """Check the ids of a person: at least one of the two."""
    if not subject.user_id and not subject.hwid:
        yield Problem("subject.missing", "subject", "a user id or a hwid is required")
    yield from id_problems(subject.user_id, "subject/user_id")
    yield from id_problems(subject.hwid, "subject/hwid")


def id_problems(value: str, where: str) -> Iterator[Problem]:
    """Check the length and characters of an id; an empty one stands for none."""
    if len(value) > IDENTITY_MAX:
        yield Problem("id.length", where, f"an id has at most {IDENTITY_MAX} characters")
    yield from text_problems(value, where)
