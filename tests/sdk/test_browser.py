"""The browser SDK in a real browser: a page tells, a journey moves, the page shows, the visitor answers."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.sdk.conftest import Shop

pytestmark = pytest.mark.timeout(300)

MODAL = {
    "title": "Welcome to Fernwood",
    "body": "Plants are easier than you think. Here is what helps:\n\n- **Light**, but not too much\n- Water, but "
    "*less than you think*\n\nMore in [our guide](/care).",
    "action": {"label": "Show me around"},
}
TOUR = {
    "steps": [
        {"title": "Find a plant", "body": "All of them live **here**.", "anchor": "#nav-plants", "placement": "bottom"},
        {"title": "Or search", "body": "Latin names work, too.", "anchor": "#search"},
        {"title": "That is all", "body": "Have fun. `Esc` closes anything here."},
    ],
    "labels": {"done": "Start shopping"},
}
HINT = {
    "anchor": "#cart",
    "title": "It is in your cart",
    "body": "Whenever you are ready.",
    "action": {"label": "Got it"},
}
BANNER = {"title": "Free delivery", "body": "On orders above 40 € until Sunday.", "action": {"label": "Shop now"}}
SURVEY = {
    "title": "How was it?",
    "body": "Three questions, one minute.",
    "questions": [
        {"id": "stars", "kind": "rating", "prompt": "How do you like the shop?", "required": True},
        {
            "id": "why",
            "kind": "choices",
            "prompt": "What brought you here?",
            "options": ["A friend", "A search", "Luck"],
        },
        {"id": "more", "kind": "text", "prompt": "Anything else?"},
    ],
}
TASKS = {
    "title": "Get started",
    "body": "Two things to do.",
    "tasks": [{"id": "a", "title": "Pick a plant", "body": "Any will do."}, {"id": "b", "title": "Tell a friend"}],
}
BEACON = {"anchor": "#nav-care", "label": "New: plant care", "title": "New", "body": "How to keep them alive."}


@pytest.fixture(scope="module", autouse=True)
def journeys(shop: Shop) -> dict[str, str]:
    """All the journeys of these tests, each begun by something of its own."""
    modal, flow, hint, banner = (
        shop.content(word, document)
        for word, document in (("modals", MODAL), ("flows", TOUR), ("tooltips", HINT), ("banners", BANNER))
    )
    survey, tasks, beacon = (
        shop.content(word, document)
        for word, document in (("surveys", SURVEY), ("task-lists", TASKS), ("beacons", BEACON))
    )
    return {
        "modal": shop.journey("url_match", {"match_type": "CONTAINS", "pattern": "/care"}, modal, banner),
        "flow": shop.journey("event", {"event_name": "wants_tour"}, flow),
        "hint": shop.journey("element_click", {"selector": ".buy"}, hint),
        "survey": shop.journey("event", {"event_name": "wants_survey"}, survey),
        "tasks": shop.journey("event", {"event_name": "wants_tasks"}, tasks),
        "beacon": shop.journey("event", {"event_name": "wants_beacon"}, beacon),
        "by_hand": shop.journey("start_by_api", {"attributes": [{"name": "seats", "required": True}]}, modal),
    }


def visit(page: Page, shop: Shop, path: str = "/") -> None:
    """Open a page, and wait until the SDK is ready and streams."""
    with page.expect_response(lambda response: "/journeys/stream" in response.url):
        page.goto(f"{shop.url}{path}?key={shop.key}&host={shop.host}")
    wait_told(page, "ready")


def wait_told(page: Page, name: str, **details: Any) -> None:
    """Wait until the SDK has told the page something."""
    page.wait_for_function(
        "([name, details]) => told.some((each) => each.name === name &&"
        " Object.entries(details).every(([key, value]) => each[key] === value))",
        arg=[name, details],
    )


def picture(page: Page, name: str) -> None:
    """Keep a picture for who wants to look."""
    if folder := os.environ.get("SOJOURN_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")


def focused(page: Page) -> str:
    """Return the text or id of what has the focus."""
    return page.evaluate(
        "() => { let e = document.activeElement; while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;"
        " return e.id || e.textContent || e.getAttribute('aria-label'); }"
    )


def test_a_page_that_is_gone_to_without_loading_shows_a_modal_then_a_banner(
    visitor: Page, shop: Shop, journeys: dict[str, str]
) -> None:
    visit(visitor, shop)
    visitor.get_by_role("link", name="Care").click()
    dialog = visitor.get_by_role("dialog", name="Welcome to Fernwood")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    picture(visitor, "modal")
    wait_told(visitor, "journey:start", journeyId=journeys["modal"])
    dialog.get_by_role("button", name="Show me around").click()
    expect(dialog).to_have_count(0)
    banner = visitor.get_by_role("region", name="Free delivery")
    expect(banner).to_be_visible()
    picture(visitor, "banner")
    banner.get_by_role("button", name="Close").click()
    wait_told(visitor, "content:dismissed", contentType="banner")
    wait_told(visitor, "journey:complete", journeyId=journeys["modal"], outcome="completed")
    assert [each["contentType"] for each in visitor.evaluate("told.filter(e => e.name === 'content:shown')")] == [
        "modal",
        "banner",
    ]


def test_a_flow_is_walked_with_the_keyboard_alone_and_goes_on_after_a_reload(
    visitor: Page, shop: Shop, journeys: dict[str, str]
) -> None:
    visit(visitor, shop)
    visitor.locator("#cart").focus()
    visitor.evaluate("Sojourn.track('wants_tour')")
    first = visitor.get_by_role("dialog", name="Find a plant")
    expect(first).to_be_visible()
    picture(visitor, "flow-1")
    for _ in range(2):
        visitor.keyboard.press("Tab")
    assert focused(visitor) == "Next"
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("dialog", name="Or search")).to_be_visible()
    picture(visitor, "flow-2")
    with visitor.expect_response(lambda response: "/journeys/stream" in response.url):
        visitor.reload()
    second = visitor.get_by_role("dialog", name="Or search")
    expect(second).to_be_visible()
    second.get_by_role("button", name="Next").press("Enter")
    last = visitor.get_by_role("dialog", name="That is all")
    expect(last).to_be_visible()
    places = set()
    for _ in range(8):
        visitor.keyboard.press("Tab")
        places.add(focused(visitor))
    assert places == {"Close", "Back", "Start shopping"}, "the focus stays in the dialog"
    picture(visitor, "flow-3")
    last.get_by_role("button", name="Start shopping").press("Enter")
    wait_told(visitor, "content:completed", contentType="flow")
    wait_told(visitor, "journey:complete", journeyId=journeys["flow"], outcome="completed")


def test_a_click_shows_a_tooltip_that_escape_dismisses(visitor: Page, shop: Shop, journeys: dict[str, str]) -> None:
    visit(visitor, shop, "/plants")
    visitor.locator("#buy-1").click()
    visitor.locator("#search").focus()
    hint = visitor.get_by_role("dialog", name="It is in your cart")
    expect(hint).to_be_visible()
    picture(visitor, "tooltip")
    visitor.locator("#buy-0").focus()
    visitor.keyboard.press("Escape")
    expect(hint).to_have_count(0)
    assert focused(visitor) == "buy-0"
    wait_told(visitor, "content:dismissed", contentType="tooltip")
    wait_told(visitor, "journey:complete", journeyId=journeys["hint"])


def test_who_is_typing_keeps_the_focus_and_escape_gives_it_back(visitor: Page, shop: Shop) -> None:
    visit(visitor, shop)
    visitor.locator("#search").focus()
    visitor.evaluate("Sojourn.track('wants_tour')")
    expect(visitor.get_by_role("dialog", name="Find a plant")).to_be_visible()
    assert focused(visitor) == "search"
    visitor.evaluate("document.querySelector('sojourn-widgets').shadowRoot.querySelector('.primary').focus()")
    visitor.keyboard.press("Escape")
    wait_told(visitor, "content:dismissed", contentType="flow")


def test_an_anonymous_visitor_says_who_they_are(visitor: Page, shop: Shop, journeys: dict[str, str]) -> None:
    visit(visitor, shop)
    with visitor.expect_response(lambda response: "/journeys/stream?" in response.url and "userId=ada" in response.url):
        visitor.evaluate("Sojourn.identify('ada', {plan: 'pro'}, 'admin')")
    wait_told(visitor, "identify", userId="ada")
    visitor.evaluate("(journey) => Sojourn.startJourney(journey, {seats: 3})", journeys["by_hand"])
    dialog = visitor.get_by_role("dialog", name="Welcome to Fernwood")
    expect(dialog).to_be_visible()
    visitor.keyboard.press("Escape")
    wait_told(visitor, "journey:complete", journeyId=journeys["by_hand"])
    visitor.evaluate("Sojourn.reset()")
    assert visitor.evaluate("Object.keys(localStorage).some((key) => key.endsWith(':userId'))") is False


def test_what_is_done_offline_is_sent_when_the_connection_is_back(visitor: Page, shop: Shop) -> None:
    visit(visitor, shop)
    visitor.context.set_offline(True)
    visitor.evaluate("Sojourn.track('wants_survey')")
    waiting = (
        "() => Object.entries(localStorage)"
        ".some(([key, value]) => key.endsWith(':outbox') && value.includes('wants_survey'))"
    )
    assert visitor.evaluate(waiting)
    visitor.context.set_offline(False)
    survey = visitor.get_by_role("dialog", name="How was it?")
    expect(survey).to_be_visible()
    visitor.wait_for_function(f"() => !({waiting})()")
    survey.get_by_role("button", name="Send").click()
    expect(survey.get_by_text("An answer is needed here.")).to_be_visible()
    survey.get_by_role("radio", name="4").check(force=True)
    survey.get_by_label("A friend").check()
    survey.get_by_label("Anything else?").fill("<b>More cacti</b>")
    picture(visitor, "survey")
    with visitor.expect_request(
        lambda request: "/nodes/" in request.url and "completed" in (request.post_data or "")
    ) as sent:
        survey.get_by_role("button", name="Send").click()
    assert sent.value.post_data_json["answers"] == {"stars": 4, "why": ["A friend"], "more": "<b>More cacti</b>"}


def test_what_is_left_when_the_page_goes_is_sent_by_beacon(visitor: Page, shop: Shop) -> None:
    visit(visitor, shop)
    # Nothing else gets through, and what the page kept is gone: only the beacon can have arrived.
    visitor.evaluate("window.fetch = () => new Promise(() => {}); Sojourn.track('wants_beacon')")
    visitor.goto(f"{shop.url}/style.css")
    visitor.evaluate(
        "for (const key of Object.keys(localStorage)) if (key.endsWith(':outbox')) localStorage.removeItem(key)"
    )
    visit(visitor, shop)
    dot = visitor.get_by_role("button", name="New: plant care")
    expect(dot).to_be_visible()
    picture(visitor, "beacon")
    dot.press("Enter")
    expect(visitor.get_by_role("dialog", name="New")).to_be_visible()
    picture(visitor, "beacon-open")
    visitor.get_by_role("button", name="Done").click()
    wait_told(visitor, "content:completed", contentType="beacon")


def test_tasks_are_ticked_off_and_kept(visitor: Page, shop: Shop) -> None:
    visit(visitor, shop)
    visitor.evaluate("Sojourn.track('wants_tasks')")
    visitor.get_by_role("checkbox", name="Pick a plant").click()
    picture(visitor, "tasks")
    visit(visitor, shop, "/plants")
    expect(visitor.get_by_role("checkbox", name="Pick a plant")).to_be_checked()
    visitor.get_by_role("checkbox", name="Tell a friend").press("Enter")
    wait_told(visitor, "content:completed", contentType="task_list")


def test_what_was_answered_is_not_shown_again_by_a_page_that_comes_before_the_answer(
    visitor: Page, shop: Shop, journeys: dict[str, str]
) -> None:
    visitor.route("**/nodes/*", lambda route: route.abort())
    visitor.add_init_script("navigator.sendBeacon = () => false")
    visit(visitor, shop, "/care")
    dialog = visitor.get_by_role("dialog", name="Welcome to Fernwood")
    expect(dialog).to_be_visible()
    visitor.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    visitor.evaluate(
        "for (const key of Object.keys(localStorage)) if (key.endsWith(':enrollments')) localStorage.removeItem(key)"
    )
    visitor.reload()
    wait_told(visitor, "journey:start", journeyId=journeys["modal"])
    assert dialog.count() == 0


def test_who_signs_in_or_out_in_one_tab_does_so_in_all(visitor: Page, shop: Shop) -> None:
    visit(visitor, shop)
    other = visitor.context.new_page()
    visit(other, shop)
    for code, name in (("Sojourn.identify('grace')", "userId=grace"), ("Sojourn.reset()", "anonymousId=")):
        with visitor.expect_response(lambda response, name=name: "/stream?" in response.url and name in response.url):
            other.evaluate(code)
    # Both tabs send what waits, so the other one may be the first.
    with visitor.context.expect_event("request", lambda request: "looks" in (request.post_data or "")) as sent:
        visitor.evaluate("Sojourn.track('looks')")
    (told,) = sent.value.post_data_json["events"]
    kept = "Object.entries(localStorage).find(([key]) => key.endsWith(':anonymousId'))[1]"
    assert told.get("userId") is None
    assert told["anonymousId"] == other.evaluate(f"JSON.parse({kept})")


def test_the_button_of_a_step_leads_where_it_says_and_the_flow_goes_on_there(visitor: Page, shop: Shop) -> None:
    first = {"title": "One", "body": "Off we go.", "action": {"label": "To the plants", "url": "/plants"}}
    flow = shop.content("flows", {"steps": [first, {"title": "Two", "body": "Here we are."}]})
    shop.journey("event", {"event_name": "wants_to_go"}, flow)
    visit(visitor, shop)
    visitor.evaluate("Sojourn.track('wants_to_go')")
    visitor.get_by_role("dialog", name="One").get_by_role("link", name="To the plants").click()
    visitor.wait_for_url(f"{shop.url}/plants")
    expect(visitor.get_by_role("dialog", name="Two")).to_be_visible()


def test_a_page_may_name_the_script_twice(visitor: Page, shop: Shop) -> None:
    visit(visitor, shop)
    is_same = visitor.evaluate(
        """async (src) => {
            const before = window.Sojourn;
            const script = document.createElement('script');
            script.src = src;
            const loaded = new Promise((done) => script.addEventListener('load', done));
            document.head.append(script);
            await loaded;
            return before === window.Sojourn;
        }""",
        f"{shop.host}/sdk.js",
    )
    assert is_same
    visitor.evaluate("Sojourn.track('wants_tasks')")
    expect(visitor.get_by_role("checkbox", name="Pick a plant")).to_be_visible()


def test_an_address_that_leads_on_to_another_at_once_is_one_view_of_each(visitor: Page, shop: Shop) -> None:
    visit(visitor, shop)
    with visitor.expect_request(lambda request: "leads-on" in (request.post_data or "")) as sent:
        visitor.evaluate("history.pushState({}, '', '/plants'); history.replaceState({}, '', '/leads-on')")
    told = [each for each in sent.value.post_data_json["events"] if each["type"] == "PAGE_VIEW"]
    assert [each["url"].removeprefix(shop.url) for each in told][-2:] == ["/plants", "/leads-on"]
    assert told[-1]["properties"]["referrer"] == f"{shop.url}/plants"


def test_without_a_stream_the_page_asks(visitor: Page, shop: Shop) -> None:
    visitor.add_init_script("delete window.EventSource")
    visitor.goto(f"{shop.url}/?key={shop.key}&host={shop.host}")
    wait_told(visitor, "ready")
    visitor.get_by_role("link", name="Care").click()
    expect(visitor.get_by_role("dialog", name="Welcome to Fernwood")).to_be_visible()


def test_a_wrong_key_breaks_nothing(visitor: Page, shop: Shop) -> None:
    visitor.goto(f"{shop.url}/?key=sjk_wrong&host={shop.host}")
    wait_told(visitor, "error", code="config_unavailable")
    wait_told(visitor, "error", code="refused")
    visitor.locator("#buy-0").click()
    expect(visitor.locator("#count")).to_have_text("1")
