"""Queries: the parameters behind the question mark, read as the fields of a struct."""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from sojourn.api.audience.calls import malformed
from sojourn.api.common.bodies import AnyRequest
from sojourn.model.problems import Problem

S = TypeVar("S", bound=Struct)


def read_query(request: AnyRequest, shape: type[S]) -> S:
    """Return the parameters of a request.

    Raises:
        MalformedRequest: A parameter is unknown, given twice, or of another type.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, text in request.query_params.multi_items():
        field = fields.get(name)
        if field is None:
            problems.append(Problem("field.unknown", name, f"unknown parameter; there are {', '.join(sorted(fields))}"))
        elif field.name in values:
            problems.append(Problem("field.repeated", name, "is given twice"))
        else:
            try:
                values[field.name] = msgspec.convert(text, field.type, strict=False)
            except msgspec.ValidationError as error:
                values[field.name] = None
                problems.append(Problem("field.type", name, str(error).replace("`", "")))
    if problems:
        raise malformed(problems)
    return shape(**values)
