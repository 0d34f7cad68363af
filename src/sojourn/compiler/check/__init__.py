"""Check: everything that keeps a graph from being started, all at once. A draft may have problems.

Each rule is a generator of problems; `RULES` is all of them, in the order in which they are reported.
"""

from collections.abc import Callable, Collection, Iterator

from sojourn.compiler.check import fields, shape
from sojourn.compiler.check.scope import CheckScope
from sojourn.compiler.segments import SegmentScope
from sojourn.model.graph import Graph
from sojourn.model.problems import Problem
from sojourn.model.zones import zone_names

RULES: tuple[Callable[[Graph, CheckScope], Iterator[Problem]], ...] = (
    shape.unique_points,
    shape.edges_with_ends,
    shape.one_edge_per_output,
    shape.an_entry,
    shape.no_edge_into_entries,
    shape.wired_outputs,
    shape.reached_points,
    shape.cycles_that_hold,
    fields.settings,
    fields.points,
)


def check(
    graph: Graph,
    scope: SegmentScope,
    presets: Collection[str] | None = None,
    zones: Collection[str] | None = None,
) -> list[Problem]:
    """Return all problems of a graph; none means that it can be started.

    `presets` are the codes of the stored message contents; None leaves them unchecked. `zones` are the time zones that
    the database knows; None means those of Python.
    """
    known_zones = zone_names() if zones is None else zones
    within = CheckScope(scope, None if presets is None else frozenset(presets), frozenset(known_zones))
    return [problem for rule in RULES for problem in rule(graph, within)]
