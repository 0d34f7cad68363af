"""Markup: changing the links of an HTML document, and nothing else in it. Pure.

A parser would have to write the whole document anew; a mail that was made for thirty mail programs comes out as it came
in, but for the addresses. So only what decides where a link begins is read, as the HTML standard says: comments and
elements without tags inside them, the tags of links, their attributes.
"""

import re
from collections.abc import Callable
from html import escape, unescape
from html.entities import html5

UNTRACKED = "data-untracked"
"""An attribute that keeps a link as it is."""

_TOKEN = re.compile(
    r"""
      <!--.*?(?:-->|\Z)
    | <(?P<raw>script|style|textarea|title)(?=[\s/>]) .*? (?:</(?P=raw)\b|\Z)
    | (?P<end></body\b)
    | (?P<link><a(?:rea)?(?=[\s/])
        (?>[\s/]+ | [^\s/><=]+ (?:\s*=\s* (?:"[^"]*" | '[^']*' | [^\s><"'][^\s><]*))?+ | =)*+
      >)
    """,
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
# Stricter than the standard: a `<` is no part of a name or a bare value, so that a tag without an end ends at the next.
_ATTRIBUTE = re.compile(r"""([^\s/><=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s><"'][^\s><]*))?""")
_REFERENCE = re.compile(r"&(?:#(?:\d+|[xX][0-9a-fA-F]+);?|(?P<name>[A-Za-z][A-Za-z0-9]*;?)(?P<equals>=?))")
_IGNORED = re.compile(r"[\t\n\r]")
_UNSUBSCRIBES = re.compile(r"unsubscribe", re.IGNORECASE)


def with_links(html: str, link: Callable[[str], str]) -> str:
    """Change the web links of a document: `link` says where each leads instead.

    Links that unsubscribe, and those with the attribute `data-untracked`, are kept.

    >>> with_links('<A HREF=http://a.example?b&amp;c>x</A>', lambda url: url + "&d")
    '<A HREF="http://a.example?b&amp;c&amp;d">x</A>'
    """
    return _TOKEN.sub(lambda found: _with_link(found[0], link) if found["link"] else found[0], html)


def at_end(html: str, more: str) -> str:
    """Add to the end of what a document shows.

    >>> at_end("<html><body>Hello</body></html>", "!")
    '<html><body>Hello!</body></html>'
    """
    ends = [found.start() for found in _TOKEN.finditer(html) if found["end"]]
    place = ends[-1] if ends else len(html)
    return f"{html[:place]}{more}{html[place:]}"


def _with_link(tag: str, link: Callable[[str], str]) -> str:
    """Change the address in a tag. Of several attributes of a name the first counts."""
    attributes: dict[str, re.Match[str]] = {}
    for found in _ATTRIBUTE.finditer(tag, len("<a")):
        attributes.setdefault(found[1].lower(), found)
    href = attributes.get("href")
    if href is None or href[2] is None or UNTRACKED in attributes:
        return tag
    quote = href[2][0] if href[2][0] in "\"'" else ""
    url = _IGNORED.sub("", _value(href[2].removeprefix(quote).removesuffix(quote))).strip()
    if not url.lower().startswith(("http://", "https://")) or _UNSUBSCRIBES.search(url):
        return tag
    changed = link(url)
    if changed == url:
        return tag
    quote = quote or '"'
    return f"{tag[: href.start(2)]}{quote}{escape(changed)}{quote}{tag[href.end(2) :]}"


def _value(text: str) -> str:
    """Read what stands in an attribute. In `?a=1&copy=2` there is no sign, unlike in text.

    >>> _value("?a=1&amp;b=2&copy=3&sect=4&copy;&#x26;&nothing;")
    '?a=1&b=2&copy=3&sect=4©&&nothing;'
    """
    return _REFERENCE.sub(_referred, text)


def _referred(found: re.Match[str]) -> str:
    if found["name"] is None:
        return unescape(found[0])
    is_sign = found["name"] in html5 and (found["name"].endswith(";") or not found["equals"])
    return html5[found["name"]] + found["equals"] if is_sign else found[0]
