"""Browsing: the events that stand for what somebody does on a page, and for what becomes of content shown there."""

PAGE_VIEW, CLICK = "page_view", "click"
URL, SELECTOR = "url", "selector"
"""The attributes of these that entries read: the address of the page, and what was clicked."""

CONTENT_SHOWN, CONTENT_COMPLETED, CONTENT_DISMISSED = "content_shown", "content_completed", "content_dismissed"
CONTENT = "content"
"""The attribute of these that names the content."""
