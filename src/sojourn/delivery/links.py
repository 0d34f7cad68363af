"""Links: campaign parameters on the links of a message, and addresses of ours that notice opens and clicks. Pure."""

import re
from functools import partial
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sojourn.delivery.markup import at_end, with_links
from sojourn.model.points import Utm
from sojourn.service.tracking import MessageRef, Tracker

_PLAIN = re.compile(r"https?://[^\s<>\"')\]]+", re.IGNORECASE)
_SENTENCE_END = ".,;:!?"


def campaign_parameters(utm: Utm | None) -> dict[str, str]:
    """Return the parameters to add, by name; those without a value are left out."""
    if utm is None:
        return {}
    fields = {
        "utm_source": utm.source,
        "utm_medium": utm.medium,
        "utm_campaign": utm.campaign,
        "utm_term": utm.term,
        "utm_content": utm.content,
    }
    return {name: value for name, value in fields.items() if value}


def tag_url(url: str, parameters: dict[str, str]) -> str:
    """Add parameters to a URL. What it already says is kept, and so is a URL that cannot be read.

    >>> tag_url("https://shop.example/a?utm_source=x#top", {"utm_source": "mail", "utm_medium": "email"})
    'https://shop.example/a?utm_source=x&utm_medium=email#top'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    present = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = urlencode({name: value for name, value in parameters.items() if name not in present})
    query = "&".join(part for part in (parts.query, added) if part)
    return urlunsplit(parts._replace(query=query))


def tag_html(html: str, parameters: dict[str, str]) -> str:
    """Add parameters to the web links of an HTML document.

    >>> tag_html('<a href="https://a.example/?b=1&amp;c=2">x</a>', {"utm_source": "mail"})
    '<a href="https://a.example/?b=1&amp;c=2&amp;utm_source=mail">x</a>'
    """
    return with_links(html, partial(tag_url, parameters=parameters)) if parameters else html


def track_html(html: str, message: MessageRef, tracker: Tracker) -> str:
    """Lead the web links of an HTML document through us, and add an image whose loading shows that it was opened."""
    linked = with_links(html, partial(tracker.click_url, message))
    pixel = f'<img src="{escape(tracker.open_url(message))}" width="1" height="1" alt="" style="border:0">'
    return at_end(linked, pixel)


def tag_text(text: str, parameters: dict[str, str]) -> str:
    """Add parameters to the web addresses in a plain text.

    >>> tag_text("See https://a.example/b.", {"utm_source": "mail"})
    'See https://a.example/b?utm_source=mail.'
    """

    def tagged(found: re.Match[str]) -> str:
        url = found[0].rstrip(_SENTENCE_END)
        return tag_url(url, parameters) + found[0][len(url) :]

    return _PLAIN.sub(tagged, text) if parameters else text
