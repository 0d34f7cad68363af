"""Envelopes: what bodies, queries and answers of the dialect have in common."""

from typing import Annotated, Any, Generic, TypeVar, cast

from msgspec import Meta, Struct

T = TypeVar("T")

LIMIT_DEFAULT, LIMIT_MAX, PAGE_MAX = 20, 100, 1_000_000


class Wire(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What goes over the wire, in camelCase. Subclasses say `frozen=True, kw_only=True` again."""


class Nothing(Wire, frozen=True, kw_only=True):
    """No body, or no parameters."""


class Paging(Wire, frozen=True, kw_only=True):
    """Which part of a list."""

    page: Annotated[int, Meta(ge=1, le=PAGE_MAX, description="From 1.")] = 1
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="Items on a page.")] = LIMIT_DEFAULT

    @property
    def offset(self) -> int:
        """Tell how many items come before the page."""
        return (self.page - 1) * self.limit


class ListMeta(Wire, frozen=True, kw_only=True):
    """Where in a list a page is."""

    total: int
    page: int
    limit: int
    total_pages: int


class Page(Struct, Generic[T], frozen=True):
    """Some items of a list, newest first, and how many there are in all."""

    items: tuple[T, ...]
    total: int
    paging: Paging

    def meta(self) -> ListMeta:
        """Return where the page is.

        >>> Page((), 128, Paging(page=2)).meta().total_pages
        7
        """
        pages = -(-self.total // self.paging.limit)
        return ListMeta(total=self.total, page=self.paging.page, limit=self.paging.limit, total_pages=pages)


def envelope(reply: object) -> dict[str, Any]:
    """Return the body of an answer: `{"data": …}`, and for lists `meta`."""
    if isinstance(reply, Page):
        page = cast("Page[object]", reply)
        return {"data": page.items, "meta": page.meta()}
    return {"data": reply}
