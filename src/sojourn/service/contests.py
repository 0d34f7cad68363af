"""Contests: the winner of a random splitter, found by numbers or named by an operator.

Who has drawn keeps what they drew; everybody who comes later takes the branch that won.
"""

from collections.abc import Iterator
from datetime import datetime

import structlog

from sojourn.model.experiments import Sample, judge
from sojourn.model.points import RandomSplitter, output_name
from sojourn.model.problems import Problem
from sojourn.service.commands import Caller, ChooseWinner, Done
from sojourn.service.drafts import read_graph
from sojourn.service.entries import journey_uuid
from sojourn.service.errors import InvalidDocument, PointNotFound
from sojourn.service.journeys import lock, point_numbers
from sojourn.service.resources import Resources
from sojourn.store import contests as store
from sojourn.store.connection import Conn
from sojourn.store.contests import KeptWinner, SplittingJourney
from sojourn.store.definitions import read_shards
from sojourn.store.errors import CONFLICTS
from sojourn.store.journeys import mark_changed

log = structlog.get_logger("contests")


async def choose_winner(resources: Resources, caller: Caller, command: ChooseWinner) -> Done:
    """Send everybody who comes to a random splitter later, and has not drawn yet, by one output.

    Raises:
        InvalidDocument: The splitter has no `winner` to be chosen, or no such output.
        JourneyNotFound: The workspace has no such journey.
        PointNotFound: The journey has no random splitter with this id.
    """
    now = resources.clock()
    async with resources.pool.connection() as conn, conn.transaction():
        journey = await lock(conn, caller, journey_uuid(command.journey))
        graph = read_graph(journey)
        point = next((each for each in graph.points if each.id == command.point), None)
        if not isinstance(point, RandomSplitter):
            raise PointNotFound
        outputs = {output_name(number): number for number, _ in enumerate(point.branches, 1)}
        if problems := tuple(_choice_problems(point, command.output, outputs)):
            raise InvalidDocument(problems=problems)
        point_no = (await point_numbers(conn, journey.journey_id))[point.id]
        if command.output:
            winner = KeptWinner(outputs[command.output], now, None)
            await store.keep_winner(conn, journey_id=journey.journey_id, point_no=point_no, winner=winner)
        elif not await store.forget_winner(conn, journey_id=journey.journey_id, point_no=point_no):
            return Done()
        await mark_changed(conn, journey_id=journey.journey_id)
    return Done()


def _choice_problems(point: RandomSplitter, output: str, outputs: dict[str, int]) -> Iterator[Problem]:
    if point.winner is None:
        yield Problem("winner.none", "point", "the splitter has no `winner`, so what people drew was not kept")
    if output and output not in outputs:
        yield Problem(
            "output.unknown", "output", f"there is no output `{output}`; the outputs are: {', '.join(outputs)}"
        )


async def decide_winners(conn: Conn, now: datetime) -> None:
    """Choose the winner of every contest whose numbers allow it. `conn` is in no transaction."""
    async with conn.transaction():
        shards = await read_shards(conn)
        journeys = await store.splitting_journeys(conn)
    for journey in journeys:
        for point in _open_contests(journey):
            try:
                async with conn.transaction():
                    await _decide(conn, journey, point, shards, now)
            except CONFLICTS:
                # Somebody changed the journey meanwhile; there is another look in an hour.
                log.info("contest.conflict", journey=journey.journey_uuid, point=point.id)


def _open_contests(journey: SplittingJourney) -> Iterator[RandomSplitter]:
    for point in journey.graph.points:
        if not isinstance(point, RandomSplitter) or journey.numbers[point.id] in journey.decided:
            continue
        if point.winner is not None and point.winner.mode == "AUTOMATIC":
            yield point


async def _decide(
    conn: Conn, journey: SplittingJourney, point: RandomSplitter, shards: list[int], now: datetime
) -> None:
    assert point.winner is not None, "a contest has a rule"
    point_no = journey.numbers[point.id]
    if not await store.lock_contest(conn, journey, point_no=point_no):
        return
    drawn = await store.draw_samples(
        conn, journey_id=journey.journey_id, point_no=point_no, goal=point.winner.goal, shards=shards
    )
    verdict = judge(
        branch_samples(point, drawn), min_sample=point.winner.min_sample, significance=point.winner.significance
    )
    if verdict is None:
        return
    winner = KeptWinner(verdict.output, now, verdict)
    await store.keep_winner(conn, journey_id=journey.journey_id, point_no=point_no, winner=winner)
    await mark_changed(conn, journey_id=journey.journey_id)
    log.info("contest.decided", journey=journey.journey_uuid, point=point.id, output=output_name(verdict.output))


def branch_samples(point: RandomSplitter, drawn: dict[int, Sample]) -> dict[int, Sample]:
    """Return the samples of the branches that anybody can draw, by output."""
    return {
        number: drawn.get(number, Sample(0, 0)) for number, branch in enumerate(point.branches, 1) if branch.percent
    }
