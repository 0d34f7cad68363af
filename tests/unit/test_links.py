"""Links in HTML: found as the standard says, changed alone, led through signed addresses of ours."""

from html import unescape
from html.parser import HTMLParser

import pytest

from sojourn.delivery.links import campaign_parameters, tag_html, track_html
from sojourn.delivery.markup import at_end, with_links
from sojourn.model.points import Utm
from sojourn.service.tracking import MessageRef, Tracker, read_click, read_open, tracking_key

KEY = tracking_key("installation")
TRACKER = Tracker("https://j.example", KEY)
MESSAGE = MessageRef(3, 7)
MAIL = campaign_parameters(Utm(source="mail"))


class Links(HTMLParser):
    """The links and images that another reader finds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str | None] = []
        self.images: list[str | None] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"a", "area"}:
            self.links += [value for name, value in attrs if name == "href"][:1]
        if tag == "img":
            self.images += [value for name, value in attrs if name == "src"]


def marked(html: str) -> str:
    return with_links(html, lambda url: f"[{url}]")


@pytest.mark.parametrize(
    ("html", "changed"),
    [
        ('<a href="https://a.example/">x</a>', '<a href="[https://a.example/]">x</a>'),
        ("<a href='http://a.example/'>x</a>", "<a href='[http://a.example/]'>x</a>"),
        ("<A HREF=https://a.example/b>x</A>", '<A HREF="[https://a.example/b]">x</A>'),
        ('<a\n class="b"\n href = "https://a.example">', '<a\n class="b"\n href = "[https://a.example]">'),
        ('<a title="x > y" href="https://a.example">', '<a title="x > y" href="[https://a.example]">'),
        ("<a title=it's href=\"https://a.example/?q='\">", '<a title=it\'s href="[https://a.example/?q=&#x27;]">'),
        ("<a title='say \"hi\"' href='https://a.example'>", "<a title='say \"hi\"' href='[https://a.example]'>"),
        ('<a href="https://a.example/?b=1&amp;c=2">', '<a href="[https://a.example/?b=1&amp;c=2]">'),
        ('<a href="https://a.example/?b=1&copy=2&reg=3">', '<a href="[https://a.example/?b=1&amp;copy=2&amp;reg=3]">'),
        ('<a href="https://a.example/&#x2F;&#47;&quot;">', '<a href="[https://a.example///&quot;]">'),
        ('<a href=" https://a.example/\n b ">', '<a href="[https://a.example/ b]">'),
        ('<a href="HTTPS://a.example">', '<a href="[HTTPS://a.example]">'),
        ('<area shape="rect" href="https://a.example"/>', '<area shape="rect" href="[https://a.example]"/>'),
        (
            '<a href="https://a.example" href="https://b.example">',
            '<a href="[https://a.example]" href="https://b.example">',
        ),
    ],
)
def test_a_link_is_changed_and_nothing_else(html: str, changed: str) -> None:
    assert marked(html) == changed


@pytest.mark.parametrize(
    "html",
    [
        '<a href="mailto:a@b.example">', '<a href="tel:+49">', '<a href="#top">', '<a href="/here">', '<a href="">',
        "<a href>", '<a name="https://a.example">', '<a data-href="https://a.example">', '<a href="//a.example">',
        '<abbr href="https://a.example">', '<link href="https://a.example">', '<img src="https://a.example">',
        '<!-- <a href="https://a.example"> -->', '<!--[if mso]><a href="https://a.example"><![endif]-->',
        '<script>"<a href=\'https://a.example\'>"</script>', '<style>/*<a href="https://a.example">*/</style>',
        '<a title="<a href=">', "https://a.example", '<a href="https://a.example', '<a href="https://a.example"',
        '<a href="https://a.example/unsubscribe?id=1">', '<a href="https://a.example/?act=Unsubscribe">',
        '<a data-untracked href="https://a.example">', '<a href="javascript:x">', '< a href="https://a.example">',
    ],
)  # fmt: skip
def test_what_is_no_web_link_or_unsubscribes_is_kept(html: str) -> None:
    assert marked(html) == html


def test_an_open_comment_ends_nowhere_and_a_closed_one_where_it_closes() -> None:
    assert marked('<!-- <a href="https://a.example">') == '<!-- <a href="https://a.example">'
    assert marked('<!-- x --><a href="https://a.example">') == '<!-- x --><a href="[https://a.example]">'
    assert marked('<style>x</style><a href="https://a.example">') == '<style>x</style><a href="[https://a.example]">'


@pytest.mark.parametrize("text", ["<a ", "<!--", "<style>", '<a href="', "<a x=y ", "<a x='", "<a =", "&amp", "<a\n/"])
def test_the_worst_document_takes_no_longer_than_its_length(text: str) -> None:
    html = text * (500_000 // len(text))
    assert at_end(marked(html), "") == html


def test_a_tracked_mail_leads_to_the_same_places_for_every_reader() -> None:
    html = (
        "<html><body><p>Hi</p><a class=x href='https://shop.example/a?b=1&amp;c=%22#d'>A</a>"
        '<a href="https://shop.example/ü/?q=&quot;x&quot;">B</a><a href="mailto:x@y.example">C</a>'
        '<a href="https://shop.example/unsubscribe">D</a></body></html>'
    )
    found = Links(track_html(tag_html(html, MAIL), MESSAGE, TRACKER))
    clicks = [read_click(KEY, str(url).removeprefix("https://j.example/t/c/")) for url in found.links]
    assert [click.url if click else None for click in clicks] == [
        "https://shop.example/a?b=1&c=%22&utm_source=mail#d",
        'https://shop.example/ü/?q="x"&utm_source=mail',
        None,
        None,
    ]
    assert found.links[2:] == ["mailto:x@y.example", "https://shop.example/unsubscribe"]
    assert {click.message for click in clicks if click} == {MESSAGE}
    [pixel] = found.images
    assert read_open(KEY, str(pixel).removeprefix("https://j.example/t/o/")) == MESSAGE


def test_what_is_no_link_stays_byte_for_byte() -> None:
    html = '<BODY BgColor=red><p>a &amp; b<br/>\r\n<A HREF="https://a.example">x</A >\t</BODY\n>'
    tracked = track_html(html, MESSAGE, TRACKER)
    begin, end = tracked.index("https://j.example/t/c/"), tracked.index('">x</A >')
    assert tracked[:begin] == '<BODY BgColor=red><p>a &amp; b<br/>\r\n<A HREF="'
    assert tracked[end:].startswith('">x</A >\t<img src="https://j.example/t/o/')
    assert tracked.endswith(' alt="" style="border:0"></BODY\n>')


def test_a_token_serves_one_purpose() -> None:
    pixel = TRACKER.open_url(MESSAGE).rpartition("/")[2]
    link = TRACKER.click_url(MESSAGE, "https://a.example").rpartition("/")[2]
    assert read_click(KEY, pixel) is None
    assert read_open(KEY, link) is None
    assert read_open(KEY, pixel + "A") is None or read_open(KEY, pixel + "A") == MESSAGE
    for token in ("", "A", "é", "=", "AAAA" * 20, link[:-2], link[2:]):
        assert read_open(KEY, token) is None
        assert read_click(KEY, token) is None


def test_an_image_comes_last_whatever_the_document() -> None:
    assert at_end("<p>x", "!") == "<p>x!"
    assert at_end("<body>x</BODY>", "!") == "<body>x!</BODY>"
    assert at_end("<body>x<!-- </body> --></body></html>", "!") == "<body>x<!-- </body> -->!</body></html>"
    assert unescape(TRACKER.open_url(MESSAGE)) == TRACKER.open_url(MESSAGE)
