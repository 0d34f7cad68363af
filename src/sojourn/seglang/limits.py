"""Limits: what is said where a condition goes beyond what its type allows. The types alone hold the rules."""

import re

import msgspec

_BROKEN = re.compile(r"Expected `(\w+)`(?: of length)? (>=|<=) (-?[\d.]+)(?: - at `\$(.*)`)?")
_FIELDS = {
    "app": "the code of an app",
    "code": "a code",
    "days": "a number of days",
    "from_hour": "the first hour",
    "latitude": "a latitude",
    "longitude": "a longitude",
    "name": "a name",
    "path": "a name",
    "platforms": "the name of a platform",
    "radius_km": "a radius in km",
    "to_hour": "the last hour",
}
_LISTS = {"path": "levels of names", "platforms": "platforms", "where": "conditions on attributes"}


def limit_told(error: msgspec.ValidationError) -> str:
    """Say in words of the language which limit was broken.

    >>> limit_told(msgspec.ValidationError("Expected `int` <= 3660 - at `$.days`"))
    'a number of days is at most 3660'
    >>> limit_told(msgspec.ValidationError("Expected `str` of length >= 1 - at `$.where[0].path[0]`"))
    'a name has at least 1 character'
    >>> limit_told(msgspec.ValidationError("Expected `array` of length <= 50 - at `$.platforms`"))
    'there are at most 50 platforms'
    """
    found = _BROKEN.fullmatch(str(error))
    if found is None:
        return "a value is not of the kind that belongs here"
    type_, way, limit, path = found.groups()
    bound = f"{'at least' if way == '>=' else 'at most'} {limit.removesuffix('.0')}"
    field = re.findall(r"\w+", re.sub(r"\[[^]]*\]", "", path or ""))[-1]
    match type_:
        case "array":
            return f"there are {bound} {_LISTS.get(field, 'values')}"
        case "str":
            return f"{_FIELDS.get(field, 'a text')} has {bound} character{'' if limit == '1' else 's'}"
        case _:
            return f"{_FIELDS.get(field, 'a number')} is {bound}"
