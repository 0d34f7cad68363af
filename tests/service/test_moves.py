"""Moves: where people of removed points go."""

from collections.abc import Mapping

import pytest

from sojourn.model.graph import Edge, Graph
from sojourn.model.points import BooleanSplitter, Exit, Wait
from sojourn.service.moves import moves
from tests.service.conftest import settings

IDS = {name: f"00000000-0000-0000-0000-00000000000{number}" for number, name in enumerate("abcdex", 1)}
NUMBERS = {point_id: number for number, point_id in enumerate(IDS.values(), 1)}


def graph(wires: str, **more: str) -> Graph:
    """`a>b b>c` are waits and their default outputs; `x` is the exit."""
    pairs = [wire.split(">") for wire in wires.split()]
    names = sorted({name for pair in pairs for name in pair})
    points = tuple(Exit(id=IDS[n]) if n == "x" else Wait(id=IDS[n], duration_seconds=1) for n in names)
    edges = tuple(Edge(from_=IDS[one], output="default", to=IDS[other]) for one, other in pairs)
    return Graph(points=points, edges=edges, settings=settings(**more))


def named(found: list[tuple[int, int | None]]) -> str:
    names: Mapping[int | None, str] = dict(enumerate(IDS, 1)) | {None: "-"}
    return " ".join(f"{names[one]}>{names[other]}" for one, other in found)


CASES = {
    "nothing": ("a>b b>x", "a>b b>x", ""),
    "one": ("a>b b>c c>x", "a>c c>x", "b>c"),
    "a row": ("a>b b>c c>d d>x", "a>x", "b>x c>x d>x"),
    "the end too": ("a>b b>x", "a>c", "b>- x>-"),
    "a circle": ("a>b b>c c>b", "a>x", "b>- c>-"),
    "new wires do not count": ("a>b b>c c>x", "a>c c>d d>x", "b>c"),
}


@pytest.mark.parametrize("case", CASES)
def test_people_go_on_from_where_the_default_output_led(case: str) -> None:
    old, new, expected = CASES[case]
    assert named(moves(graph(old), graph(new), NUMBERS, NUMBERS)) == expected


def test_people_are_dropped_where_the_settings_say_so() -> None:
    assert named(moves(graph("a>b b>c c>x"), graph("a>x", removed_points="DROP"), NUMBERS, NUMBERS)) == "b>- c>-"


def test_a_point_with_a_new_number_is_arrived_at_anew() -> None:
    renumbered = NUMBERS | {IDS["b"]: 9}
    assert moves(graph("a>b b>x"), graph("a>b b>x"), NUMBERS, renumbered) == [(2, 9)]


def test_who_stood_before_a_renumbered_point_arrives_at_its_new_number() -> None:
    renumbered = NUMBERS | {IDS["c"]: 9}
    assert moves(graph("a>b b>c c>x"), graph("a>c c>x"), NUMBERS, renumbered) == [(2, 9), (3, 9)]


def test_only_default_outputs_are_followed() -> None:
    splitter = BooleanSplitter(id=IDS["b"], filter="x")
    edges = (
        Edge(from_=IDS["b"], output="output1", to=IDS["c"]),
        Edge(from_=IDS["b"], output="default", to=IDS["x"]),
    )
    old = Graph(points=(splitter, *graph("c>x").points), edges=edges, settings=settings())
    assert named(moves(old, graph("c>x"), NUMBERS, NUMBERS)) == "b>x"
