"""Contests: what was drawn at random splitters, what became of it, and who won."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from sojourn.model.experiments import Sample, Verdict
from sojourn.model.graph import Graph
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class SplittingJourney:
    """A running journey with random splitters.

    Attributes:
        decided: The numbers of the splitters that have a winner.
    """

    journey_id: int
    journey_uuid: str
    version_no: int
    graph: Graph
    numbers: dict[str, int]
    decided: frozenset[int]


@dataclass(frozen=True, slots=True)
class KeptWinner:
    """The branch that everybody takes; `verdict` says by which numbers, None where an operator named it."""

    output: int
    decided_at: datetime
    verdict: Verdict | None


async def splitting_journeys(conn: Conn) -> list[SplittingJourney]:
    """Return the running journeys with random splitters."""
    cursor = await conn.execute(QUERIES["splitting_journeys"])
    return [
        SplittingJourney(
            journey_id,
            journey_uuid,
            version_no,
            msgspec.json.decode(graph, type=Graph),
            msgspec.json.decode(numbers, type=dict[str, int]),
            frozenset(decided or ()),
        )
        for journey_id, journey_uuid, version_no, graph, numbers, decided in await cursor.fetchall()
    ]


async def lock_contest(conn: Conn, journey: SplittingJourney, *, point_no: int) -> bool:
    """Tell whether this transaction may decide: nobody has, and nobody else is at it or has changed the journey."""
    values = {"journey_id": journey.journey_id, "version_no": journey.version_no}
    if await (await conn.execute(QUERIES["lock_contest"], values)).fetchone() is None:
        return False
    return point_no not in await kept_winners(conn, journey_id=journey.journey_id)


async def draw_samples(
    conn: Conn, *, journey_id: int, point_no: int, goal: str, shards: Sequence[int]
) -> dict[int, Sample]:
    """Return how many drew each output, and how many of those reached a goal after they had; by output."""
    values = {"journey_id": journey_id, "point_no": point_no, "goal": goal, "shards": list(shards)}
    cursor = await conn.execute(QUERIES["draw_samples"], values)
    return {output: Sample(people, conversions) for output, people, conversions in await cursor.fetchall()}


async def keep_winner(conn: Conn, *, journey_id: int, point_no: int, winner: KeptWinner) -> None:
    """Keep who won, in the place of who did before."""
    values = {
        "journey_id": journey_id,
        "point_no": point_no,
        "output": winner.output,
        "decided_at": winner.decided_at,
        "numbers": msgspec.json.encode(winner.verdict or {}).decode(),
    }
    await conn.execute(QUERIES["keep_winner"], values)


async def forget_winner(conn: Conn, *, journey_id: int, point_no: int) -> bool:
    """Let people draw again; tell whether there was a winner."""
    values = {"journey_id": journey_id, "point_no": point_no}
    return (await conn.execute(QUERIES["forget_winner"], values)).rowcount > 0


async def kept_winners(conn: Conn, *, journey_id: int) -> dict[int, KeptWinner]:
    """Return the winners of a journey by the number of the point."""
    cursor = await conn.execute(QUERIES["kept_winners"], {"journey_id": journey_id})
    return {
        point_no: KeptWinner(
            output, decided_at, None if numbers == "{}" else msgspec.json.decode(numbers, type=Verdict)
        )
        for point_no, output, decided_at, numbers in await cursor.fetchall()
    }


async def forget_goals(conn: Conn, *, before: datetime) -> int:
    """Let journeys that finished before an instant hear of their goals no more; return how many they heard."""
    return (await conn.execute(QUERIES["forget_goals"], {"before": before})).rowcount
