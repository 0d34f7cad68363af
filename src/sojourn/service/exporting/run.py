"""Running an export: checked first, then read and written a batch at a time, as of one moment."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import datetime
from typing import Any

from sojourn.model.problems import Problem
from sojourn.service.exporting.plan import ExportPlan, TextFormat
from sojourn.service.exporting.rows import Cells, cells_of
from sojourn.service.exporting.texts import encoder_of, header_of
from sojourn.service.resources import Resources
from sojourn.service.scopes import load_scope
from sojourn.service.segment_sweeps import restriction_in_shard
from sojourn.service.segments import SOURCE_MAX, parsed, require_meaning
from sojourn.service.values import ATTRIBUTES_MAX, name_problems, refuse
from sojourn.store.definitions import read_shards
from sojourn.store.directory import app_ids
from sojourn.store.exporting import Restriction, exported_rows

BATCH_ROWS = 500


async def export_batches(
    resources: Resources, workspace_id: int, plan: ExportPlan, *, batch_rows: int = BATCH_ROWS
) -> AsyncGenerator[list[Cells]]:
    """Yield rows in batches. What is wrong with the plan is raised before the first.

    Raises:
        AppNotFound: The app is not in the workspace.
        InvalidDocument: With all problems.
        InvalidFilter: The filter has no meaning.
    """
    refuse(_problems(plan))
    values = await _values(resources, workspace_id, plan)
    restriction = await _restriction(resources, workspace_id, plan, values["now"])
    cells = cells_of(plan)
    batch: list[Cells] = []
    async with aclosing(exported_rows(resources.pool, plan.subject, values, restriction)) as rows:
        async for row in rows:
            batch.append(cells(row))
            if len(batch) >= batch_rows:
                yield batch
                batch = []
    if batch:
        yield batch


async def export_text(
    resources: Resources, workspace_id: int, plan: ExportPlan, format_: TextFormat
) -> AsyncGenerator[bytes]:
    """Yield the text of an export piece by piece; the first has the header. Raises as `export_batches`."""
    encode, head = encoder_of(format_), header_of(format_, plan.columns())
    async with aclosing(export_batches(resources, workspace_id, plan)) as batches:
        async for batch in batches:
            yield head + encode(batch)
            head = b""
    if head:
        yield head


async def _values(resources: Resources, workspace_id: int, plan: ExportPlan) -> dict[str, Any]:
    if plan.application_code is None:
        async with resources.pool.connection() as conn:
            apps = sorted((await app_ids(conn, workspace_id=workspace_id)).values())
        chosen, used = [0, *apps], list[int]()  # 0 stands for none
    else:
        chosen = used = [await resources.facts.app_id(workspace_id, plan.application_code)]
    return {
        "workspace_id": workspace_id,
        "app_ids": chosen,
        "used": used,
        "since": plan.since,
        "until": plan.until,
        "now": resources.clock(),
    }


async def _restriction(resources: Resources, workspace_id: int, plan: ExportPlan, now: datetime) -> Restriction:
    if not plan.filter:
        return Restriction("true", {})
    expression = parsed(plan.filter)
    async with resources.pool.connection() as conn:
        scope = await load_scope(conn, workspace_id)
        require_meaning(expression, scope, plan.filter)
        shards = await read_shards(conn)
        return await restriction_in_shard(
            conn,
            expression,
            scope,
            shards=shards,
            now=now,
            is_asked_once=plan.subject == "people",
        )


def _problems(plan: ExportPlan) -> Iterator[Problem]:
    if len(plan.filter) > SOURCE_MAX:
        yield Problem("filter.length", "filter", f"a filter has at most {SOURCE_MAX} characters")
    if plan.until <= plan.since:
        yield Problem("range.empty", "to", "must be after `from`")
    if plan.attributes and plan.subject == "enrollments":
        yield Problem("attributes.none", "attribute", "enrollments have no attributes")
    if len(plan.attributes) > ATTRIBUTES_MAX:
        yield Problem("attributes.too_many", "attribute", f"at most {ATTRIBUTES_MAX} attributes are allowed")
        return
    usual = set(plan.columns()[: len(plan.columns()) - len(plan.attributes)])
    for place, name in enumerate(plan.attributes):
        yield from name_problems(name, f"attribute/{place}")
        if name in usual or name in plan.attributes[:place]:
            yield Problem("attribute.repeated", f"attribute/{place}", f"there is another column `{name}`")
