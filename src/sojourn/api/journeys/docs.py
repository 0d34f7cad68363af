"""Docs: the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler

from sojourn.api.common.bodies import json_response

DOCUMENT_PATH = "/api/docs/openapi.json"


def docs_routes(document: Mapping[str, Any]) -> list[HTTPRouteHandler]:
    """Make the handlers. Neither needs a session."""

    async def show() -> Response[bytes]:
        return json_response(document)

    return [HTTPRouteHandler(DOCUMENT_PATH, http_method=HttpMethod.GET)(show)]
