"""Queries: the parameters behind the question mark, read as the fields of a struct."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo

from sojourn.api.common.bodies import AnyRequest
from sojourn.api.common.refusals import MalformedRequest
from sojourn.model.problems import Problem

S = TypeVar("S", bound=Struct)


def read_query(request: AnyRequest, shape: type[S], *, beside: Collection[str] = ()) -> S:
    """Return the parameters of a request, except those `beside`, which somebody else reads.

    Raises:
        MalformedRequest: A parameter is unknown, given twice, missing, or of another type; with all problems.
    """
    fields = _fields(shape)
    if not request.scope["query_string"] and not any(field.required for field in fields.values()):
        return shape()
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, text in request.query_params.multi_items():
        if name in beside:
            continue
        field = fields.get(name)
        if field is None:
            known = f"; there are {', '.join(sorted(fields))}" if fields else ""
            problems.append(Problem("field.unknown", name[:100], f"unknown parameter{known}"))
        elif field.name in values:
            problems.append(Problem("field.repeated", name, "is given twice"))
        else:
            try:
                values[field.name] = msgspec.convert(text, field.type, strict=False)
            except msgspec.ValidationError as error:
                values[field.name] = None
                problems.append(Problem("field.type", name, str(error).replace("`", "")))
    problems += [
        Problem("field.required", name, "is required")
        for name, field in fields.items()
        if field.required and field.name not in values
    ]
    if problems:
        raise MalformedRequest("; ".join(f"{p.where}: {p.text}" for p in problems), problems=tuple(problems))
    return shape(**values)


@cache
def _fields(shape: type[Struct]) -> Mapping[str, FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(shape)}
