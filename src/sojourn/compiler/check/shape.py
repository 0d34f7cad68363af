"""Rules about the shape of a graph: what is wired to what."""

from collections import Counter
from collections.abc import Iterator, Mapping

from sojourn.compiler.check.scope import CheckScope
from sojourn.compiler.network import network
from sojourn.model.graph import Graph
from sojourn.model.points import AnyPoint, Content, PointId, Wait, WaitForTrigger, is_entry, may_end_in, outputs
from sojourn.model.problems import Problem


def unique_points(graph: Graph, _scope: CheckScope) -> Iterator[Problem]:
    """Yield a problem for each id that several points share."""
    for point_id, count in Counter(point.id for point in graph.points).items():
        if count > 1:
            yield Problem("point.duplicate", f"points/{point_id}", f"{count} points share this id")


def edges_with_ends(graph: Graph, _scope: CheckScope) -> Iterator[Problem]:
    """Yield a problem for each edge that begins or ends nowhere."""
    points = network(graph).points
    for edge in graph.edges:
        if edge.from_ not in points:
            yield Problem("edge.from_unknown", f"points/{edge.from_}", "an edge begins at a point that does not exist")
        elif edge.output not in outputs(points[edge.from_]):
            choices = ", ".join(outputs(points[edge.from_])) or "none"
            yield Problem(
                "output.unknown",
                f"points/{edge.from_}",
                f"there is no output `{edge.output}`; the outputs are: {choices}",
            )
        if edge.to not in points:
            yield Problem(
                "edge.to_unknown",
                f"points/{edge.from_}",
                f"output `{edge.output}` leads to a point that does not exist",
            )


def one_edge_per_output(graph: Graph, _scope: CheckScope) -> Iterator[Problem]:
    """Yield a problem for each output that leads to several points."""
    for (point_id, output), count in Counter((edge.from_, edge.output) for edge in graph.edges).items():
        if count > 1:
            yield Problem("output.ambiguous", f"points/{point_id}", f"output `{output}` leads to {count} points")


def an_entry(graph: Graph, _scope: CheckScope) -> Iterator[Problem]:
    """Yield a problem if nobody can come in."""
    if not any(is_entry(point) for point in graph.points):
        yield Problem("entry.missing", "points", "there is no entry point")


def no_edge_into_entries(graph: Graph, _scope: CheckScope) -> Iterator[Problem]:
    """Yield a problem for each edge that leads into an entry."""
    points = network(graph).points
    for edge in graph.edges:
        if edge.to in points and is_entry(points[edge.to]):
            yield Problem("entry.inflow", f"points/{edge.from_}", f"output `{edge.output}` leads into an entry point")


def wired_outputs(graph: Graph, _scope: CheckScope) -> Iterator[Problem]:
    """Yield a problem for each output that leads nowhere and must not."""
    wired = {(edge.from_, edge.output) for edge in graph.edges}
    for point in graph.points:
        for output in outputs(point):
            if (point.id, output) not in wired and not may_end_in(point, output):
                yield Problem("output.unwired", f"points/{point.id}", f"output `{output}` leads nowhere")


def reached_points(graph: Graph, _scope: CheckScope) -> Iterator[Problem]:
    """Yield a problem for each point that nobody can come to."""
    net = network(graph)
    reached = {point.id for point in graph.points if is_entry(point)}
    frontier = list(reached)
    while frontier:
        for follower in net.followers(net.points[frontier.pop()]):
            if follower.id not in reached:
                reached.add(follower.id)
                frontier.append(follower.id)
    for point in graph.points:
        if point.id not in reached:
            yield Problem("point.unreachable", f"points/{point.id}", "no entry leads to this point")


def always_holds(point: AnyPoint) -> bool:
    """Tell whether everybody who comes here stays for some time.

    A wait until a date, or for an event that may have happened already, can be over on arrival.
    """
    match point:
        case Wait():
            return bool(point.duration_seconds or point.time_of_day or point.weekday)
        case WaitForTrigger():
            return point.fixed_period or not any(branch.look_back_seconds for branch in point.branches)
        case Content():
            return True
        case _:
            return False


def cycles_that_hold(graph: Graph, _scope: CheckScope) -> Iterator[Problem]:
    """Yield a problem for each point from which people can run in a circle without ever being held."""
    net = network(graph)
    passing = {point.id: point for point in graph.points if not always_holds(point)}
    rest: Mapping[PointId, set[PointId]] = {
        point_id: {follower.id for follower in net.followers(point) if follower.id in passing}
        for point_id, point in passing.items()
    }
    for point_id in _on_cycles(rest):
        yield Problem(
            "cycle.unheld", f"points/{point_id}", "a cycle must pass a wait that always holds people for some time"
        )


def _on_cycles(following: Mapping[PointId, set[PointId]]) -> Iterator[PointId]:
    """Yield the points left once those without predecessors, and those without followers, have been taken away."""
    left = dict(following)
    while True:
        entered = {target for targets in left.values() for target in targets if target in left}
        kept = {p: t for p, t in left.items() if p in entered and any(target in left for target in t)}
        if len(kept) == len(left):
            break
        left = kept
    yield from left
