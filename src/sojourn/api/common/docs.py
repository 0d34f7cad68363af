"""Docs: OpenAPI documents, and a page for each that needs nothing but itself: no script, no other host.

The page is written when the server starts. Everything in it comes from the document and is escaped.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, cast

import msgspec
from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler

from sojourn.api.common.bodies import json_response

PATH = "/api/docs"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One API.

    Attributes:
        name: What its page ends in; empty: the first page.
    """

    name: str
    title: str
    document: Document

    @property
    def path(self) -> str:
        """Return where its page is."""
        return f"{PATH}/{self.name}".rstrip("/")


def docs_routes(volumes: Sequence[Volume]) -> list[HTTPRouteHandler]:
    """Make the handlers of pages and documents. They need no token."""
    return [handler for volume in volumes for handler in (_page(volume, volumes), _document(volume))]


def _page(volume: Volume, volumes: Sequence[Volume]) -> HTTPRouteHandler:
    text = page(volume, volumes).encode()
    headers = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}

    async def show() -> Response[bytes]:
        return Response(text, media_type="text/html", headers=headers)

    return HTTPRouteHandler(volume.path, http_method=HttpMethod.GET)(show)


def _document(volume: Volume) -> HTTPRouteHandler:
    async def show() -> Response[bytes]:
        return json_response(volume.document)

    return HTTPRouteHandler(f"{volume.path}/openapi.json", http_method=HttpMethod.GET)(show)


# The page ---------------------------------------------------------------------------------------------------


STYLE = """
:root { color-scheme: light dark; font: 16px/1.55 system-ui, sans-serif; }
body { margin: 0; display: grid; grid-template-columns: minmax(13rem, 18rem) minmax(0, 1fr); }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem; box-sizing: border-box;
      border-right: 1px solid light-dark(#ddd, #444); font-size: .9rem; }
nav ul { list-style: none; margin: 0 0 1rem; padding: 0; }
main { padding: 1.5rem 2.5rem 6rem; max-width: 60rem; }
a { color: light-dark(#0b57d0, #8ab4f8); text-decoration-thickness: from-font; }
article { border-top: 1px solid light-dark(#ddd, #444); padding-top: 1rem; margin-top: 2rem; }
h3 { margin: 0 0 .5rem; } h3 code { font-size: 1rem; }
h4 { margin: 1.2rem 0 .3rem; font-size: .95rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .88em; }
pre { background: light-dark(#f5f5f5, #222); padding: .8rem 1rem; overflow-x: auto; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; }
td { border-bottom: 1px solid light-dark(#eee, #333); }
.verb { font-weight: 700; display: inline-block; min-width: 4.2rem; }
.quiet { color: light-dark(#555, #aaa); }
@media (max-width: 50rem) {
  body { display: block; } main { padding: 1rem; }
  nav { position: static; height: auto; border: 0; }
}
"""


def page(volume: Volume, volumes: Sequence[Volume]) -> str:
    """Return the page of a document."""
    info = volume.document["info"]
    operations = list(_operations(volume.document))
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head><body>",
            f'<nav aria-label="Contents">{_contents(volume, volumes, operations)}</nav>',
            f"<main><h1>{escape(info['title'])}</h1><p>{_prose(info['description'])}</p>",
            f'<p class="quiet">Version {escape(info["version"])}</p>',
            f'<p><a href="{volume.path}/openapi.json">OpenAPI document</a></p>',
            *_chapters(volume.document, operations),
            "</main></body></html>",
        )
    )


@dataclass(frozen=True, slots=True)
class _Operation:
    verb: str
    path: str
    spec: Mapping[str, Any]

    @property
    def anchor(self) -> str:
        return escape(self.spec["operationId"], quote=True)


def _operations(document: Document) -> Iterator[_Operation]:
    for path, verbs in document["paths"].items():
        for verb, spec in verbs.items():
            yield _Operation(verb.upper(), path, spec)


def _contents(volume: Volume, volumes: Sequence[Volume], operations: Sequence[_Operation]) -> str:
    parts = ["<ul>"]
    for each in volumes:
        current = ' aria-current="page"' if each is volume else ""
        parts.append(f'<li><a href="{each.path}"{current}>{escape(each.title)}</a></li>')
    parts.append("</ul>")
    for tag in volume.document["tags"]:
        parts.append(f"<strong>{escape(tag['name'])}</strong><ul>")
        parts += [
            f'<li><a href="#{each.anchor}">{escape(each.spec["summary"])}</a></li>'
            for each in operations
            if tag["name"] in each.spec["tags"]
        ]
        parts.append("</ul>")
    return "".join(parts)


def _chapters(document: Document, operations: Sequence[_Operation]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>"
        for each in operations:
            if tag["name"] in each.spec["tags"]:
                yield from _article(document, each)


def _article(document: Document, operation: _Operation) -> Iterator[str]:
    spec = operation.spec
    yield f'<article id="{operation.anchor}"><h3>{escape(spec["summary"])}</h3>'
    yield f'<p><code><span class="verb">{operation.verb}</span> {escape(operation.path)}</code></p>'
    yield from (f"<p>{_prose(text)}</p>" for text in spec.get("description", "").split("\n\n") if text)
    if parameters := spec.get("parameters"):
        yield "<h4>Parameters</h4>" + _table(
            (each["name"], f"{each['in']}, {_type(each['schema'])}", each["schema"].get("description", ""))
            for each in parameters
        )
    if body := spec.get("requestBody"):
        yield "<h4>Request</h4>" + _content(document, body["content"])
    for status, response in spec["responses"].items():
        if status.startswith("2"):
            yield f"<h4>Response {status}</h4>" + _content(document, response.get("content", {}))
    failures = [(status, each["description"]) for status, each in spec["responses"].items() if status > "3"]
    yield "<h4>Errors</h4>" + _table(failures) + "</article>"


def _content(document: Document, content: Mapping[str, Any]) -> str:
    parts: list[str] = []
    for media, each in content.items():
        if media != "application/json":
            parts.append(f"<p><code>{escape(media)}</code></p>")
        parts.append(_fields(document, each["schema"]))
        for example in each.get("examples", {}).values():
            text = msgspec.json.format(msgspec.json.encode(example["value"]), indent=2).decode()
            parts.append(f'<p class="quiet">{escape(example["summary"])}</p><pre>{escape(text)}</pre>')
    return "".join(parts)


def _fields(document: Document, schema: Mapping[str, Any]) -> str:
    """Return a table of what an object has; of an answer, of what its data has."""
    known = _resolved(document, schema)
    properties: Mapping[str, Any] = known.get("properties", {})
    if "data" in properties:
        data = properties["data"]
        return _fields(document, data.get("items", data))
    required = known.get("required", [])
    return _table(
        (
            name,
            _type(of) + ("" if name in required else ", optional"),
            of.get("description")
            or next((one["description"] for one in of.get("anyOf", ()) if "description" in one), ""),
        )
        for name, of in properties.items()
    )


def _resolved(document: Document, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _type(schema: Mapping[str, Any]) -> str:
    """Say in a word or two what a schema admits."""
    match schema:
        case {"$ref": str(name)}:
            return name.rpartition("/")[2]
        case {"enum": choices}:
            return " | ".join(map(str, choices))
        case {"anyOf": choices}:
            return " | ".join(map(_type, choices))
        case {"type": "array"}:
            return f"list of {_type(schema.get('items', {}))}"
        case _:
            kind: object = schema.get("format") or schema.get("type", "anything")
            return " | ".join(cast("list[str]", kind)) if isinstance(kind, list) else str(kind)


def _table(rows: Any) -> str:  # noqa: ANN401 - rows of texts, however they come
    cells = "".join(
        f"<tr><td><code>{escape(str(first))}</code></td>"
        + "".join(f"<td>{_prose(text)}</td>" for text in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return f"<table>{cells}</table>" if cells else ""


def _prose(text: str) -> str:
    """Return a text of ours as HTML; what stands between backquotes is code.

    >>> _prose("`<a>` & b")
    '<code>&lt;a&gt;</code> &amp; b'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
