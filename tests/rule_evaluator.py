"""The meaning of rule trees, one person at a time: slow, obvious, and what their conditions are measured against.

It knows nothing of the syntax tree; only what a date, a version and a pattern are is taken from there.
"""

import re
from datetime import datetime
from typing import Any

from sojourn.model.patterns import safe_pattern
from sojourn.model.segments import moment, version
from tests.segment_evaluator import Person, device_values, is_number, order

NEGATIONS = {"neq": "eq", "not_contains": "contains", "not_in": "in"}


def holds(tree: dict[str, Any], person: Person, now: datetime) -> bool:
    if "rules" in tree:
        parts = [holds(rule, person, now) for rule in tree["rules"]]
        return not parts or (all(parts) if tree["logicalOperator"] == "AND" else any(parts))
    field, operator, given = tree["field"], tree["operator"], tree.get("value")
    if field.startswith("events."):
        name = field.removeprefix("events.").removesuffix(".count")
        return count_meets(sum(event.name == name for event in person.events), operator, given)
    values = [value for value in known_of(person, field) if value is not None]
    if operator in ("exists", "not_exists"):
        return bool(values) == (operator == "exists")
    if operator in NEGATIONS and not values:
        return True
    elements = [each for value in values for each in (value if isinstance(value, list) else [value])]
    wanted = given if operator in ("in", "not_in") else [given]
    if not any(same_type(each, member) for each in elements for member in wanted):
        return False
    affirmed = any(meets(elements, NEGATIONS.get(operator, operator), member, now) for member in wanted)
    return affirmed != (operator in NEGATIONS)


def known_of(person: Person, field: str) -> list[Any]:
    """All values: devices have one each."""
    if field == "userId":
        return [person.user_id]
    if field.startswith("device."):
        path = tuple(field.split("."))
        return [value for device in person.devices for value in device_values(device, path)]
    start = person.location if field.startswith("location.") else person.attributes
    for name in re.sub(r"^(location|traits)\.", "", field).split("."):
        start = start.get(name) if isinstance(start, dict) else None
    return [start]


def count_meets(count: int, operator: str, given: Any) -> bool:
    match operator:
        case "in" | "not_in":
            return (count in given) == (operator == "in")
        case "neq":
            return count != given
        case _:
            return compared(count, operator, given)


def compared(value: Any, operator: str, given: Any) -> bool:
    return {
        "eq": value == given,
        "gt": value > given,
        "gte": value >= given,
        "lt": value < given,
        "lte": value <= given,
    }[operator]


def same_type(one: Any, other: Any) -> bool:
    return is_number(one) and is_number(other) if is_number(one) else type(one) is type(other)


def meets(elements: list[Any], operator: str, given: Any, now: datetime) -> bool:
    """Where a number could be a time, a list that mixes numbers and texts is no list of the one or the other."""
    kinds = {bool if isinstance(each, bool) else str if isinstance(each, str) else float for each in elements
             if isinstance(each, str | bool) or is_number(each)}  # fmt: skip
    is_mixed = {str, float} <= kinds
    is_time = moment(given) is not None and (is_number(given) or operator not in ("eq", "in"))
    is_ordered = operator in ("gt", "gte", "lt", "lte") or is_number(given)
    if is_mixed and is_time and is_ordered:
        return False
    return any(element_meets(each, operator, given, now) for each in elements if same_type(each, given))


def element_meets(value: Any, operator: str, given: Any, now: datetime) -> bool:
    match operator:
        case "eq" | "in":
            return value == given
        case "contains":
            return given.lower() in value.lower()
        case "starts_with":
            return value.startswith(given)
        case "ends_with":
            return value.endswith(given)
        case "regex":
            pattern = re.sub(
                r"\\.|\$", lambda found: found[0] if found[0] != "$" else r"\Z", safe_pattern(given), flags=re.DOTALL
            )
            return re.search(pattern, value, re.DOTALL) is not None
        case _ if is_number(value):
            return compared(value, operator, given)
        case _:
            assert moment(given) is not None or version(given) is not None
            way = order(value, given, now)
            return way is not None and compared(way, operator, 0)
