"""Scopes: what the documents of a workspace may refer to."""

import msgspec

from sojourn.compiler.segments import SegmentScope
from sojourn.model.segments import Expression
from sojourn.store.connection import Conn
from sojourn.store.directory import app_ids
from sojourn.store.segments import list_segments

_EXPRESSION = msgspec.json.Decoder[Expression](Expression)


async def load_scope(conn: Conn, workspace_id: int) -> SegmentScope:
    """Read the apps and the named segments of a workspace."""
    apps = await app_ids(conn, workspace_id=workspace_id)
    stored = await list_segments(conn, workspace_id=workspace_id, app_ids=apps.values())
    segments = {segment.code: decode_expression(segment.expression) for segment in stored}
    lists = {segment.code: segment.segment_id for segment in stored if segment.is_list}
    return SegmentScope(workspace_id=workspace_id, app_ids=apps, segments=segments, lists=lists)


def decode_expression(text: str) -> Expression:
    """Read a stored syntax tree."""
    return _EXPRESSION.decode(text)
