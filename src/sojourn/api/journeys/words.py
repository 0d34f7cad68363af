"""Words: what keeps a journey from running, said of nodes and labels."""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from sojourn.api.journeys.configs import CONFIGS
from sojourn.api.journeys.labels import spoken_output
from sojourn.api.journeys.nodes import says_point, write_node
from sojourn.api.journeys.serving import INVALID
from sojourn.model.graph import Edge
from sojourn.model.points import AnyPoint, is_entry
from sojourn.model.problems import Problem, SojournError
from sojourn.service.errors import InvalidDocument

_OUTPUT, _SECOND = re.compile(r"\b(?:default|output\d+|extra\d+)\b"), re.compile(r"_([a-z])")
_ABOUT_OUTPUTS = ("output.", "edge.", "entry.inflow")
"""How the codes of problems begin whose text names outputs."""


def in_our_words(failure: InvalidDocument, points: Sequence[AnyPoint], edges: Sequence[Edge]) -> SojournError:
    """Say the problems of a document with the places and labels of this dialect: `nodes.0` is the first node."""
    problems = tuple(_problem(each, points, edges) for each in failure.problems)
    return InvalidDocument(INVALID, problems=problems)


def _problem(problem: Problem, points: Sequence[AnyPoint], edges: Sequence[Edge]) -> Problem:
    place, text = _place(problem.where, points), problem.text
    found = next((point for point in points if problem.where.startswith(f"points/{point.id}")), None)
    if found is not None and problem.code.startswith(_ABOUT_OUTPUTS):
        written = {edge.output: edge.label for edge in edges if edge.from_ == found.id and edge.label}
        text = _OUTPUT.sub(lambda way: spoken_output(found, way[0]) or written.get(way[0], way[0]), text)
    if problem.code == "wait.one_of":
        place, text = f"{place}.config", "either duration and unit or until is needed"
    return replace(problem, where=place, text=text)


def _place(where: str, points: Sequence[AnyPoint]) -> str:  # noqa: PLR0911 - one case per place
    """Return a place of the document as one of the canvas.

    >>> _place("settings/goal", []), _place("settings/goal/page_visit/pattern", [])
    ('goalConfig', 'goalConfig.config.pattern')
    >>> _place("settings/application_code", [])
    'siteId'
    """
    match where.split("/"):
        case ["points", point_id, *rest]:
            found = next((place for place, point in enumerate(points) if point.id == point_id), None)
            return ".".join(["nodes", point_id, *rest] if found is None else _node_place(found, points[found], rest))
        case ["points"]:
            return "nodes"
        case ["settings", "goal", _, *rest]:
            return ".".join(["goalConfig", "config", *map(_camel, rest)])
        case ["settings", "goal"]:
            return "goalConfig"
        case ["settings", "audience_code", *_]:
            return "audienceId"
        case ["settings", "application_code", *_]:
            return "siteId"
        case ["settings", "conduct", *rest]:
            return ".".join(["settings", *map(_camel, rest)])
        case ["title", *_]:
            return "name"
        case parts:
            return ".".join(parts)


def _node_place(number: int, point: AnyPoint, fields: list[str]) -> list[str]:  # noqa: PLR0911 - one case per place
    node = ["nodes", str(number)]
    written = write_node(point)
    match fields:
        case []:
            return node
        case _ if written.type not in CONFIGS or says_point(written.type, written.config):
            return [*node, "config", *fields]
        case ["content_id"]:
            return [*node, "contentId"]
        case ["branches", "0", *rest] if "ruleTree" in written.config:
            return [*node, "config", *map(_camel, rest)]
        case ["goal", _, *rest]:
            return [*node, "config", "goalConfig", "config", *map(_camel, rest)]
        case _ if is_entry(point):
            return [*node, "config", "triggerConfig", *map(_camel, fields)]
        case _:
            return [*node, "config", *map(_camel, fields)]


def _camel(name: str) -> str:
    return _SECOND.sub(lambda found: found[1].upper(), name)
