"""Network: the graph as lookups, so that the other stages need not search lists."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sojourn.model.graph import Graph
from sojourn.model.points import AnyPoint, PointId, Webhook, outputs


@dataclass(frozen=True, slots=True)
class Network:
    """Points by id and where their outputs lead. Edges from or to unknown points are left out."""

    points: Mapping[PointId, AnyPoint]
    next: Mapping[tuple[PointId, str], PointId]

    def followers(self, point: AnyPoint) -> Iterator[AnyPoint]:
        """Yield the points that the outputs of `point` lead to."""
        for output in outputs(point):
            target = self.next.get((point.id, output))
            if target is not None:
                yield self.points[target]


def network(graph: Graph) -> Network:
    """Index a graph."""
    points = {point.id: point for point in graph.points}
    following = {(e.from_, e.output): e.to for e in graph.edges if e.from_ in points and e.to in points}
    return Network(points, following)


def is_held_by_webhook(point: Webhook, net: Network) -> bool:
    """Tell whether people stay at a webhook until its answer is known."""
    return point.wait_for_response or bool(point.save_response) or (point.id, "output1") in net.next
