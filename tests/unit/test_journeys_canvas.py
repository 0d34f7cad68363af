"""The canvas of the journeys dialect: what is read, what is refused, and that nothing changes on the way."""

from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.api.common.misfits import misfits
from sojourn.api.journeys.canvas import NewCanvas, canvas_problems, read_canvas, write_edges, write_nodes
from sojourn.api.journeys.problems import dotted
from sojourn.model.graph import Graph, Settings

SETTINGS = Settings(application_code="SHOP1-00001")


def numbered() -> Iterator[UUID]:
    return (UUID(int=number) for number in count(1))


def read(document: dict[str, Any]) -> Graph:
    assert problems(document) == []
    canvas = msgspec.convert(document, NewCanvas)
    ids = numbered()
    found = read_canvas(canvas.nodes, canvas.edges, lambda: next(ids))
    return Graph(points=found.points, edges=found.edges, settings=SETTINGS)


def write(graph: Graph) -> dict[str, Any]:
    return msgspec.to_builtins({"nodes": write_nodes(graph, {}), "edges": write_edges(graph)})


def problems(document: dict[str, Any]) -> list[str]:
    if found := misfits(document, NewCanvas, ""):
        return [dotted(each.where) for each in found]
    canvas = msgspec.convert(document, NewCanvas)
    return [dotted(each.where) for each in canvas_problems(canvas.nodes, canvas.edges)]
