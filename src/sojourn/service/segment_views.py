"""How stored segments are shown."""

import msgspec

from sojourn.service.commands import Segment
from sojourn.store.segments import StoredSegment


def segment_view(stored: StoredSegment, *, members: int | None = None) -> Segment:
    """Show a stored segment; `members` are those of a fixed list, where somebody counted."""
    return Segment(
        code=stored.code,
        title=stored.title,
        source=stored.source,
        application_code=stored.application_code,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        audience=stored.segment_uuid,
        description=stored.description,
        rule_tree=None if stored.rule_tree is None else msgspec.json.decode(stored.rule_tree),
        is_list=stored.is_list,
        members=members,
    )
