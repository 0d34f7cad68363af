"""What live audiences depend on, and when time changes them."""

import pytest

from sojourn.compiler.audience import Dependency, dependencies, resolved
from sojourn.compiler.segments import SegmentScope
from sojourn.seglang import parse

SCOPE = SegmentScope(app_ids={"SHOP1-00001": 1}, workspace_id=1, segments={"VIPS": parse('T("vip", EQ, true)')})
TAG_A, TAG_VIP = Dependency("tag", "a"), Dependency("tag", "vip")
APP, DEVICE, NEW = Dependency("app"), Dependency("device"), Dependency("new")


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ('T("a", EQ, 1)', {TAG_A}),
        ('T(["a", "b"], SET)', {TAG_A}),
        ('T("a", NOTEQ, 1)', {TAG_A, NEW}),
        ('Not(T("a", SET))', {TAG_A, NEW}),
        ('AT("SHOP1-00001", "a", NOTEQ, 1)', {TAG_A, APP}),
        ('A("SHOP1-00001")', {APP}),
        ('A("SHOP1-00001", ["iOS"])', {DEVICE}),
        ('Segment("VIPS") * T("a", NOTSET)', {TAG_VIP, TAG_A}),
        ('Segment("VIPS") + T("a", NOTSET)', {TAG_VIP, TAG_A, NEW}),
        ("And()", {NEW}),
        ("Or()", set()),
    ],
)
def test_a_segment_depends_on_what_it_reads(segment: str, expected: set[Dependency]) -> None:
    assert dependencies(resolved(parse(segment), SCOPE)) == expected
