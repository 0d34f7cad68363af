"""OpenAPI: the document of the dialect, made from the declarations of its routes."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, cast

import msgspec

from sojourn.api.journeys.door import COOKIE
from sojourn.api.journeys.envelope import ListMeta, Nothing
from sojourn.api.journeys.problems import kind_of
from sojourn.api.journeys.routing import AnyRoute, Example

COMMON = ("internal", "rate_limited", "request.malformed", "unavailable")
"""Problem codes that any route may answer."""

REF = "#/components/schemas/{name}"

ERROR: Mapping[str, Any] = {
    "type": "object",
    "title": "Error",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "statusCode", "code", "category", "details"],
            "additionalProperties": False,
            "properties": {
                "message": {"type": "string"},
                "statusCode": {"type": "integer"},
                "code": {"type": "string"},
                "category": {"type": "string"},
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["path", "message"],
                        "additionalProperties": False,
                        "properties": {
                            "path": {"type": "string", "examples": ["nodes.0.config.triggerType"]},
                            "message": {"type": "string"},
                        },
                    },
                },
            },
        }
    },
}

SECURITY: Mapping[str, list[dict[str, list[str]]]] = {
    "public": [],
    "session": [{"bearer": []}, {"cookie": []}],
    "key": [{"key": []}],
}


def document(routes: tuple[AnyRoute, ...]) -> dict[str, Any]:
    """Return the document."""
    shapes = [
        shape for route in routes for shape in (route.body, route.reply, route.meta) if shape not in {None, Nothing}
    ]
    _, schemas = msgspec.json.schema_components([*shapes, ListMeta], ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.verb.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sojourn: the journeys API",
            "version": version("sojourn"),
            "description": "Journeys as nodes and edges, audiences, sites and their SDK.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": {"Error": ERROR, **schemas},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _operation(route: AnyRoute) -> dict[str, Any]:
    who = f"Least role: {route.role.upper()}." if route.access == "session" else ""
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": "\n\n".join(part for part in (route.description, who) if part),
        "security": SECURITY[route.access],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {str(route.status): _success(route), **_failures(route)},
    }
    if route.body is not Nothing:
        content: dict[str, Any] = {"schema": _schema(route.body)}
        if examples := _examples((each.title, each.body) for each in route.examples if each.body is not None):
            content["examples"] = examples
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _path_parameters(route: AnyRoute) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]


def _query_parameters(route: AnyRoute) -> list[dict[str, Any]]:
    (schema,), components = msgspec.json.schema_components([route.query], ref_template=REF)
    shape: dict[str, Any] = components[schema["$ref"].rpartition("/")[2]]
    return [
        {"name": name, "in": "query", "required": name in shape["required"], "schema": of}
        for name, of in shape["properties"].items()
    ]


def _success(route: AnyRoute) -> dict[str, Any]:
    if route.media != "application/json":
        told: dict[str, Any] = {"type": "string"}
        if route.reply is not None:
            told |= {"contentMediaType": "application/json", "contentSchema": _schema(route.reply)}
        return {"description": "Success", "content": {route.media: {"schema": told}}}
    data = _schema(route.reply)
    properties: dict[str, Any] = {"data": {"type": "array", "items": data} if route.is_list else data}
    if route.is_list:
        properties["meta"] = _schema(ListMeta)
    elif route.meta is not None:
        properties["meta"] = _schema(route.meta)
    content: dict[str, Any] = {
        "schema": {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    }
    if examples := _examples((each.title, answer_of(route, each)) for each in route.examples):
        content["examples"] = examples
    return {"description": "Success", "content": {"application/json": content}}


def answer_of(route: AnyRoute, example: Example) -> dict[str, Any]:
    """Return the whole answer of an example."""
    if not route.is_list:
        return {"data": example.data} | ({} if route.meta is None else {"meta": example.meta})
    items = cast("list[object]", example.data)  # of lists, as the declaration says
    return {"data": items, "meta": {"total": len(items), "page": 1, "limit": 20, "totalPages": 1 if items else 0}}


def _failures(route: AnyRoute) -> dict[str, Any]:
    codes = [*COMMON, *route.refusals]
    codes += ["unauthenticated", "not_allowed"] if route.access != "public" else []
    codes += ["not_found"] if "{" in route.path else []
    codes += ["request.too_large"] if route.body is not Nothing else []
    by_status: dict[int, list[str]] = {}
    for code in codes:
        kind = kind_of(code)
        names = by_status.setdefault(kind.status, [])
        if kind.code not in names:
            names.append(kind.code)
    return {
        str(status): {
            "description": ", ".join(f"`{name}`" for name in sorted(names)),
            "content": {"application/json": {"schema": {"$ref": REF.format(name="Error")}}},
        }
        for status, names in sorted(by_status.items())
    }


def _schema(of: Any) -> dict[str, Any]:  # noqa: ANN401 - a type, as msgspec takes it
    if of is None:
        return {"type": "null"}
    (schema,), _ = msgspec.json.schema_components([of], ref_template=REF)
    return schema


def _examples(pairs: Iterable[tuple[str, object]]) -> dict[str, Any]:
    return {
        f"example{number}": {"summary": title, "value": value} for number, (title, value) in enumerate(pairs, start=1)
    }
