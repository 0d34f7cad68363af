"""Canvas: nodes and edges as they are drawn, and the points and edges of the document.

A draft may be far from complete, and nothing of it is lost: an edge whose label its node does not know is kept beside
those that count, and one that leads to no node is kept as it is. What only is no canvas at all is refused.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from string import ascii_uppercase
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from sojourn.api.common.misfits import PROBLEMS_MAX, readable
from sojourn.api.common.paths import item, member
from sojourn.api.journeys.configs import CONFIGS
from sojourn.api.journeys.envelope import Wire
from sojourn.api.journeys.labels import label_of, output_of
from sojourn.api.journeys.nodes import POINTS, NodeText, node_problems, read_point, write_node
from sojourn.model.graph import Edge, Graph, OutputName
from sojourn.model.points import AnyPoint, Name, Text
from sojourn.model.problems import Problem
from sojourn.service.commands import Place

NODES_MAX, EDGES_MAX = 500, 2000
TYPES = (*CONFIGS, *POINTS)

NewId = Callable[[], UUID]
"""Makes the id of a node that has none."""


class Position(Wire, frozen=True, kw_only=True):
    """Where a node is drawn."""

    x: float = 0
    y: float = 0


class NewNode(Wire, frozen=True, kw_only=True):
    """A node. `config` depends on its type.

    Attributes:
        id: A uuid; a new one where there is none.
        client_id: By which edges of the same request may name it.
    """

    type: str
    id: str | UnsetType | None = UNSET
    client_id: Text | UnsetType = UNSET
    content_id: Name | UnsetType | None = UNSET
    title: Text = ""
    config: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    position: Position = Position()


class NewEdge(Wire, frozen=True, kw_only=True):
    """An edge between two nodes, each named by its id, its `clientId`, or its place in `nodes`, from 0.

    Attributes:
        output: The output that it leaves by, where the label does not say.
    """

    source_node_id: Text
    target_node_id: Text
    label: Text | UnsetType | None = UNSET
    output: OutputName | UnsetType = UNSET


class Node(Wire, frozen=True, kw_only=True):
    """A node."""

    id: UUID
    type: str
    content_id: str | UnsetType | None = UNSET
    title: str | UnsetType = UNSET
    config: dict[str, Any]
    position: Position


class CanvasEdge(Wire, frozen=True, kw_only=True):
    """An edge between two nodes."""

    source_node_id: str
    target_node_id: str
    label: str | UnsetType = UNSET
    output: str | UnsetType = UNSET


class NewCanvas(Wire, frozen=True, kw_only=True):
    """All nodes and edges of a journey."""

    nodes: Annotated[tuple[NewNode, ...], Meta(max_length=NODES_MAX)]
    edges: Annotated[tuple[NewEdge, ...], Meta(max_length=EDGES_MAX)] = ()


class Canvas(Struct, frozen=True, kw_only=True):
    """A canvas as the document has it."""

    points: tuple[AnyPoint, ...]
    edges: tuple[Edge, ...]
    layout: Mapping[str, Place]


# Reading --------------------------------------------------------------------------------------------------------


def canvas_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what keeps `nodes` and `edges` of JSON from being a canvas although their types are right.

    What is of a wrong type counts as if it were not there; that it should be is said about its place, too.
    """
    nodes = [readable(each, NewNode(type="")) for each in _items(document, "nodes")]
    edges = [readable(each, NewEdge(source_node_id="", target_node_id="")) for each in _items(document, "edges")]
    yield from islice(_node_problems(nodes), PROBLEMS_MAX)
    if "nodes" not in document or isinstance(document["nodes"], list):
        yield from islice(_edge_problems(nodes, edges), PROBLEMS_MAX)


def _items(document: Mapping[str, Any], name: str) -> Sequence[object]:
    most = {"nodes": NODES_MAX, "edges": EDGES_MAX}[name]
    items: object = document.get(name)
    return cast("list[object]", items)[:most] if isinstance(items, list) else ()


def _node_problems(nodes: Sequence[NewNode]) -> Iterator[Problem]:
    ids = Counter(node_id.lower() for node in nodes if (node_id := node.id))
    for place, node in enumerate(nodes):
        path = item("nodes", place)
        if node.type not in TYPES:
            yield Problem("field.type", member(path, "type"), f"must be one of {', '.join(dict.fromkeys(TYPES))}")
        else:
            yield from node_problems(node.type, node.config, member(path, "config"))
        if node.id and not _is_uuid(node.id):
            yield Problem("field.type", member(path, "id"), "must be a uuid")
        elif node.id and ids[node.id.lower()] > 1:
            yield Problem("field.type", member(path, "id"), "another node has the same id")
        if node.content_id and node.type != "CONTENT":
            yield Problem("field.unknown", member(path, "contentId"), "only a CONTENT node has one")


def _edge_problems(nodes: Sequence[NewNode], edges: Sequence[NewEdge]) -> Iterator[Problem]:
    known = _names(nodes)
    for place, edge in enumerate(edges):
        for end, name in (("sourceNodeId", edge.source_node_id), ("targetNodeId", edge.target_node_id)):
            is_nowhere = end == "targetNodeId" and _is_uuid(name)
            if name.lower() not in known and name not in known and not is_nowhere:
                yield Problem("field.type", member(item("edges", place), end), "names no node")


def _names(nodes: Sequence[NewNode]) -> dict[str, int]:
    """Return the node that each name means; where two mean different ones, ids win, then client ids."""
    names = {str(place): place for place in range(len(nodes))}
    names |= {node.client_id: place for place, node in enumerate(nodes) if node.client_id}
    return names | {node.id.lower(): place for place, node in enumerate(nodes) if node.id}


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def read_canvas(nodes: Sequence[NewNode], edges: Sequence[NewEdge], new_id: NewId) -> Canvas:
    """Return what nodes and edges without problems are in the document."""
    names = _names(nodes)
    ids = [node.id.lower() if node.id else str(new_id()) for node in nodes]
    ends = [(_end(edge.source_node_id, names, ids), _end(edge.target_node_id, names, ids)) for edge in edges]
    bare = {ids[place] for place, node in enumerate(nodes) if node.type == "SPLIT" and "branches" not in node.config}
    edges = tuple(_lettered(edges, [source for source, _ in ends], bare))
    points = tuple(
        read_point(_text(node, ids[place]), _labels_from(ids[place], edges, ends)) for place, node in enumerate(nodes)
    )
    layout = {node_id: Place(x=node.position.x, y=node.position.y) for node_id, node in zip(ids, nodes, strict=True)}
    return Canvas(points=points, edges=tuple(_read_edges(points, edges, ends)), layout=layout)


def _end(name: str, names: Mapping[str, int], ids: Sequence[str]) -> str:
    place = names.get(name.lower(), names.get(name))
    return name.lower() if place is None else ids[place]


def _text(node: NewNode, node_id: str) -> NodeText:
    return NodeText(
        id=node_id, type=node.type, config=node.config, content_id=node.content_id or None, title=node.title
    )


def _lettered(edges: Sequence[NewEdge], sources: Sequence[str], splits: AbstractSet[str]) -> Iterator[NewEdge]:
    """Give each edge that leaves one of these splits a label of its own, by a letter: it is a branch of its own."""
    given = {(source, edge.label) for edge, source in zip(edges, sources, strict=True)}
    taken: set[tuple[str, str]] = set()
    for edge, source in zip(edges, sources, strict=True):
        label = edge.label or ""
        if source in splits and not edge.output and (not label or (source, label) in taken):
            spare = (f"{label} {letter}".strip() for letter in ascii_uppercase)
            label = next((each for each in spare if (source, each) not in given | taken), label)
        taken.add((source, label))
        yield replace(edge, label=label) if label else edge


def _labels_from(node_id: str, edges: Sequence[NewEdge], ends: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(edge.label or "" for edge, (source, _) in zip(edges, ends, strict=True) if source == node_id)


def _read_edges(
    points: Sequence[AnyPoint], edges: Sequence[NewEdge | CanvasEdge], ends: Sequence[tuple[str, str]]
) -> Iterator[Edge]:
    by_id = {point.id: point for point in points}
    taken = {(source, edge.output) for edge, (source, _) in zip(edges, ends, strict=True) if edge.output}
    for edge, (source, target) in zip(edges, ends, strict=True):
        label = edge.label or ""
        if edge.output:
            yield Edge(from_=source, output=edge.output, to=target, label=label)
            continue
        point = by_id.get(source)
        output = None if point is None else output_of(point, label)
        if point is None or output is None or (source, output) in taken:
            output = _extra(source, taken)
        elif label == label_of(point, output):
            label = ""
        taken.add((source, output))
        yield Edge(from_=source, output=output, to=target, label=label)


def _extra(source: str, taken: set[tuple[str, Any]]) -> str:
    """Name an output that no point has, for an edge that stands for none."""
    number = 1
    while (source, f"extra{number}") in taken:
        number += 1
    return f"extra{number}"


# Writing --------------------------------------------------------------------------------------------------------


def write_nodes(graph: Graph, layout: Mapping[str, Place]) -> tuple[Node, ...]:
    """Return the nodes of a document."""
    return tuple(_node(point, layout.get(point.id, Place())) for point in graph.points)


def _node(point: AnyPoint, place: Place) -> Node:
    text = write_node(point)
    return Node(
        id=UUID(text.id),
        type=text.type,
        content_id=text.content_id if text.type == "CONTENT" else UNSET,
        title=text.title or UNSET,
        config=dict(text.config),
        position=Position(x=place.x, y=place.y),
    )


def write_edges(graph: Graph) -> tuple[CanvasEdge, ...]:
    """Return the edges of a document. `output` is there where the label alone would be read as another."""
    ends = [(edge.from_, edge.to) for edge in graph.edges]
    points = {point.id: point for point in graph.points}
    named: set[int] = set()
    while True:
        written = tuple(_edge(points.get(edge.from_), edge, place in named) for place, edge in enumerate(graph.edges))
        read = _read_edges(graph.points, written, ends)
        misread = {place for place, (one, other) in enumerate(zip(read, graph.edges, strict=True)) if one != other}
        if not misread - named:
            return written
        named |= misread


def _edge(point: AnyPoint | None, edge: Edge, is_named: bool) -> CanvasEdge:
    own = "" if point is None or is_named else label_of(point, edge.output)
    return CanvasEdge(
        source_node_id=edge.from_,
        target_node_id=edge.to,
        label=edge.label or own or UNSET,
        output=edge.output if is_named else UNSET,
    )
