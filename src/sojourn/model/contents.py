"""Contents: what the pages of a site show, as documents. Pure.

The documents are kept and sent as they were written, in the words of the browser SDK, which draws them. Texts may hold
a little markup, see docs/sdk.md; they never hold HTML that means anything.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from sojourn.model.problems import Problem

ContentKind = Literal["announcement", "banner", "beacon", "flow", "modal", "survey", "task_list", "tooltip"]
ContentStatus = Literal["draft", "published", "archived"]

DOCUMENT_MAX = 100_000
"""Characters of a document as JSON: it goes to every page that shows it."""

SAFE_SCHEMES = frozenset({"", "http", "https", "mailto", "tel"})
"""Of addresses that a visitor may be led to; the empty one is that of addresses within the site."""

Id = Annotated[str, Meta(min_length=1, max_length=100)]
Title = Annotated[str, Meta(max_length=300)]
Label = Annotated[str, Meta(min_length=1, max_length=100)]
Body = Annotated[str, Meta(max_length=10_000)]
Selector = Annotated[str, Meta(min_length=1, max_length=1000)]
Address = Annotated[str, Meta(max_length=2000)]
Placement = Literal["auto", "top", "right", "bottom", "left"]


class ContentPart(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A part of a document."""


class Action(ContentPart, frozen=True, kw_only=True):
    """The button that completes a content, and where it leads, if anywhere."""

    label: Label
    url: Address = ""
    new_tab: bool = False


class Image(ContentPart, frozen=True, kw_only=True):
    """A picture. `alt` says what is on it to whoever does not see it."""

    url: Address
    alt: Title = ""


class PageRule(ContentPart, frozen=True, kw_only=True):
    """On which pages something may be seen. A pattern is held against the address, and against its path."""

    match_type: Literal["exact", "contains", "startsWith", "endsWith"] = "contains"
    pattern: Annotated[str, Meta(min_length=1, max_length=2000)]


class Labels(ContentPart, frozen=True, kw_only=True):
    """Words in place of the SDK's own."""

    back: Label = "Back"
    close: Label = "Close"
    done: Label = "Done"
    next: Label = "Next"
    required: Label = "An answer is needed here."
    send: Label = "Send"
    show: Label = "Show hint"


class Document(ContentPart, frozen=True, kw_only=True):
    """What all documents have."""

    page: PageRule | None = None
    dismissible: bool = True
    labels: Labels = Labels()


class Hint(Document, frozen=True, kw_only=True):
    """A tooltip: a card beside an element. A beacon: a dot there that opens it."""

    anchor: Selector
    title: Title = ""
    body: Body = ""
    placement: Placement = "auto"
    action: Action | None = None
    image: Image | None = None
    label: Title = ""


class Banner(Document, frozen=True, kw_only=True):
    """A strip at an edge of the window."""

    title: Title = ""
    body: Body = ""
    position: Literal["top", "bottom"] = "top"
    action: Action | None = None


class Dialog(Document, frozen=True, kw_only=True):
    """A modal or an announcement."""

    title: Title = ""
    body: Body = ""
    image: Image | None = None
    action: Action | None = None


class Step(ContentPart, frozen=True, kw_only=True):
    """A step of a flow: beside an element, or without an anchor in the middle of the page."""

    title: Title = ""
    body: Body = ""
    anchor: Selector | None = None
    placement: Placement = "auto"
    image: Image | None = None
    action: Action | None = None
    page: PageRule | None = None
    advance_on: Literal["button", "click"] = "button"


class Flow(Document, frozen=True, kw_only=True):
    """Steps one after the other."""

    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=50)]


class Task(ContentPart, frozen=True, kw_only=True):
    """Something to do."""

    id: Id
    title: Annotated[str, Meta(min_length=1, max_length=300)]
    body: Title = ""
    url: Address = ""


class TaskList(Document, frozen=True, kw_only=True):
    """Things to do, completed when all are done."""

    title: Title = ""
    body: Body = ""
    tasks: Annotated[tuple[Task, ...], Meta(min_length=1, max_length=30)]


class Question(ContentPart, frozen=True, kw_only=True):
    """A question. `options` are those of choices, `scale` is how far a rating goes."""

    id: Id
    kind: Literal["choice", "choices", "rating", "text"]
    prompt: Annotated[str, Meta(min_length=1, max_length=1000)]
    options: Annotated[tuple[Label, ...], Meta(max_length=30)] = ()
    scale: Annotated[int, Meta(ge=2, le=11)] = 5
    required: bool = False


class Survey(Document, frozen=True, kw_only=True):
    """Questions; the answers come with the event `content_completed`."""

    title: Title = ""
    body: Body = ""
    questions: Annotated[tuple[Question, ...], Meta(min_length=1, max_length=30)]


AnyDocument = Banner | Dialog | Flow | Hint | Survey | TaskList

DOCUMENTS: Mapping[ContentKind, type[AnyDocument]] = {
    "announcement": Dialog,
    "banner": Banner,
    "beacon": Hint,
    "flow": Flow,
    "modal": Dialog,
    "survey": Survey,
    "task_list": TaskList,
    "tooltip": Hint,
}


def document_problems(document: AnyDocument, where: str) -> Iterator[Problem]:
    """Yield what the types of a document do not say: what is empty, doubled, or leads where nobody should go."""
    match document:
        case Flow():
            for place, step in enumerate(document.steps):
                yield from _card_problems(step, f"{where}.steps[{place}]")
        case TaskList():
            yield from _double_ids([task.id for task in document.tasks], f"{where}.tasks")
            for place, task in enumerate(document.tasks):
                yield from _address_problems(task.url, f"{where}.tasks[{place}].url")
        case Survey():
            yield from _double_ids([question.id for question in document.questions], f"{where}.questions")
            for place, question in enumerate(document.questions):
                yield from _question_problems(question, f"{where}.questions[{place}]")
        case Banner() | Dialog() | Hint():
            yield from _card_problems(document, where)


def _card_problems(card: Banner | Dialog | Hint | Step, where: str) -> Iterator[Problem]:
    if not card.title.strip() and not card.body.strip():
        yield Problem("content.empty", f"{where}.body", "a title or a body is required")
    if card.action is not None:
        yield from _address_problems(card.action.url, f"{where}.action.url")
    image = None if isinstance(card, Banner) else card.image
    if image is not None:
        yield from _address_problems(image.url, f"{where}.image.url")


def _question_problems(question: Question, where: str) -> Iterator[Problem]:
    if question.kind in {"choice", "choices"} and len(question.options) < 2:
        yield Problem("content.options", f"{where}.options", "a choice has at least two options")
    if len(set(question.options)) < len(question.options):
        yield Problem("content.double", f"{where}.options", "an option stands here more than once")


def _double_ids(ids: Sequence[str], where: str) -> Iterator[Problem]:
    for place, each in enumerate(ids):
        if each in ids[:place]:
            yield Problem("content.double", f"{where}[{place}].id", "another one has this id")


def _address_problems(url: str, where: str) -> Iterator[Problem]:
    if not is_safe(url):
        yield Problem("content.address", where, "must be an http, https, mailto or tel address, or one within the site")


def is_safe(url: str) -> bool:
    r"""Tell whether a visitor may be led to an address.

    >>> [is_safe(url) for url in ("/cart", "https://shop.example", "javascript:x", " java\nscript:x", "x:")]
    [True, True, False, False, False]
    """
    bare = "".join(character for character in url if character > " ")
    try:
        return urlsplit(bare).scheme.lower() in SAFE_SCHEMES
    except ValueError:
        return False


def kinds() -> Iterable[ContentKind]:
    """Return the kinds of content."""
    return DOCUMENTS.keys()
