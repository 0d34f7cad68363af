"""OpenAPI: the document of the gateway's REST side, read from the descriptors of the contract.

What is sent and what is answered have schemas of their own, because a request may say null for "left out" and an answer
says every field whose value is known.
"""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.struct_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp

from sojourn.api.gateway.bridge import SERVICE, Route, routes
from sojourn.api.gateway.reading import INTEGERS, is_map, value_field
from sojourn.api.gateway.wire import CHOICES
from sojourn.api.gateway.writing import spelling

Schema = dict[str, Any]

FAILURE: Schema = {
    "type": "object",
    "required": ["code", "message", "details"],
    "properties": {
        "code": {"type": "integer", "description": "A code of gRPC."},
        "message": {"type": "string"},
        "details": {"type": "array", "items": {"type": "object"}},
    },
}
EXTERNAL_FAILURE: Schema = {
    "type": "object",
    "required": ["success", "message"],
    "properties": {"success": {"const": False}, "message": {"type": "string"}},
}
STATUSES = {
    "400": "The request is not valid, or not possible now.",
    "401": "A valid API token is required.",
    "403": "The token does not allow this.",
    "404": "There is no such thing.",
    "409": "It exists already, or something else came first.",
    "413": "The request is too large.",
    "429": "Too much at once; `Retry-After` says when to come back.",
    "500": "A mistake of the server.",
    "503": "The database does not answer; try again.",
    "504": "It takes too long; ask for less.",
}


def document() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    messages = _Messages()
    for route in routes():
        paths.setdefault(route.path, {})[route.verb.lower()] = _operation(route, messages)
    schemas = {"Failure": FAILURE, "ExternalFailure": EXTERNAL_FAILURE, **messages.schemas()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sojourn: the journey gateway",
            "version": version("sojourn"),
            "description": "Journeys as points and outputs. The same methods are served over gRPC.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": "Journeys"}, {"name": "External methods"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Api <token>`",
                }
            },
        },
    }


def _operation(route: Route, messages: "_Messages") -> dict[str, Any]:
    method = SERVICE.methods_by_name[route.method]
    request = method.input_type
    failure = {"$ref": f"#/components/schemas/{'ExternalFailure' if route.is_external else 'Failure'}"}
    operation: dict[str, Any] = {
        "operationId": route.method,
        "tags": ["External methods" if route.is_external else "Journeys"],
        "summary": route.method,
        "parameters": [*_path_parameters(route), *(() if route.has_body else _query(route, request, messages))],
        "responses": {
            "200": {
                "description": "Success",
                "content": _json(messages.answer(method.output_type)),
            },
            **{status: {"description": text, "content": _json(failure)} for status, text in STATUSES.items()},
        },
    }
    if route.has_body:
        operation["requestBody"] = {"content": _json(messages.request(request))}
    return operation


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in route.path_fields]


def _query(route: Route, request: Descriptor, messages: "_Messages") -> Iterator[dict[str, Any]]:
    for field in cast("list[FieldDescriptor]", request.fields):
        if field.name not in route.path_fields:
            yield {"name": field.name, "in": "query", "schema": messages.scalar(field)}


class _Messages:
    """The schemas of messages, gathered while operations name them."""

    def __init__(self) -> None:
        self._schemas: dict[str, Schema] = {}

    def schemas(self) -> dict[str, Schema]:
        """Return what was named, by name."""
        return self._schemas

    def request(self, message: Descriptor) -> Schema:
        """Return the schema of a message that is sent."""
        return self._reference(message, is_sent=True)

    def answer(self, message: Descriptor) -> Schema:
        """Return the schema of a message that is answered."""
        return self._reference(message, is_sent=False)

    def scalar(self, field: FieldDescriptor) -> Schema:
        """Return the schema of what has no parts."""
        if field.enum_type is not None:
            return {"type": "string", "enum": _names(field.enum_type)}
        if field.type in INTEGERS:
            low, high = INTEGERS[field.type]
            return {"type": "integer", "minimum": low, "maximum": high}
        names = {FieldDescriptor.TYPE_BOOL: "boolean", FieldDescriptor.TYPE_DOUBLE: "number"}
        return {"type": names.get(field.type, "string")}

    def _reference(self, message: Descriptor, *, is_sent: bool) -> Schema:
        if message.full_name == Timestamp.DESCRIPTOR.full_name:
            return {"type": "string", "format": "date-time"}
        if message.full_name == Value.DESCRIPTOR.full_name:
            scalar = ["string", "number", "boolean"]
            return {"type": [*scalar, "array", "null"], "items": {"type": scalar}}
        name = message.full_name.rpartition("sojourn.v3.")[2] + ("Input" if is_sent else "")
        if name not in self._schemas:
            self._schemas[name] = {}  # before its fields, which may name it again
            self._schemas[name] = self._object(message, is_sent=is_sent)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, message: Descriptor, *, is_sent: bool) -> Schema:
        fields = cast("list[FieldDescriptor]", message.fields)
        properties = {spelling(field): self._field(field, is_sent=is_sent) for field in fields}
        schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if not is_sent:
            schema["required"] = [spelling(field) for field in fields if _is_always_there(field)]
        return schema

    def _field(self, field: FieldDescriptor, *, is_sent: bool) -> Schema:
        if is_map(field):
            of = value_field(field)
            schema: Schema = {"type": "object", "additionalProperties": self._one(of, is_sent=is_sent)}
        elif field.is_repeated:
            schema = {"type": "array", "items": self._one(field, is_sent=is_sent)}
        else:
            schema = self._one(field, is_sent=is_sent)
        return {"anyOf": [schema, {"type": "null"}]} if is_sent else schema

    def _one(self, field: FieldDescriptor, *, is_sent: bool) -> Schema:
        if field.message_type is not None:
            return self._reference(field.message_type, is_sent=is_sent)
        return self.scalar(field)


def _is_always_there(field: FieldDescriptor) -> bool:
    return not field.has_presence and (field.enum_type is None or field.is_repeated)


def _names(enum: EnumDescriptor) -> list[str]:
    """Return the values of an enum that a request may use."""
    return list(CHOICES.get(enum.full_name) or [value.name for value in enum.values if value.number])
