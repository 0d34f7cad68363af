"""Where the addresses in mails lead: to the server as those who get mail reach it, or nowhere of ours."""

from urllib.parse import urlsplit

import pytest

from sojourn.service.tracking import MessageRef, Tracker, tracking_key
from sojourn.settings import SettingInvalid, read_settings
from sojourn.wiring import _tracker

SOME = MessageRef(1, 2)


def base_url(**variables: str) -> str | None:
    settings = read_settings({f"SOJOURN_{name.upper()}": value for name, value in variables.items()})
    tracker = _tracker(settings, "secret")
    return None if tracker is None else tracker.base_url


def test_a_public_address_goes_before_everything() -> None:
    assert base_url(public_url="https://j.example/", smtp_url="smtp://mail.example") == "https://j.example"
    assert base_url(public_url="https://j.example/below") == "https://j.example/below"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", "http://127.0.0.1:8080"), ("::1", "http://[::1]:8080"), ("10.0.0.5", "http://10.0.0.5:8080")],
)
def test_without_one_the_server_names_itself(host: str, expected: str) -> None:
    assert base_url(host=host) == expected
    assert base_url(host=host, smtp_url="smtp://localhost:2525") == expected


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "::"])
def test_nobody_is_led_to_an_address_that_only_this_machine_has(host: str) -> None:
    assert base_url(host=host, smtp_url="smtp://mail.example") is None


@pytest.mark.parametrize(
    "url", ["j.example", "ftp://j.example", "https://", "https://j.example/?a", "https://j.example/#a"]
)
def test_a_public_address_names_a_host(url: str) -> None:
    with pytest.raises(SettingInvalid, match=r"SOJOURN_PUBLIC_URL: .* is no address of the form https://host"):
        read_settings({"SOJOURN_PUBLIC_URL": url})


def test_addresses_are_on_the_server_that_was_named() -> None:
    tracker = Tracker("https://j.example/below", tracking_key("x"))
    assert urlsplit(tracker.open_url(SOME)).path.startswith("/below/t/o/")
    assert repr(tracker) == "Tracker(base_url='https://j.example/below')"


def test_a_link_too_long_to_be_led_is_kept() -> None:
    url = "https://a.example/" + "x" * 2000
    assert Tracker("https://j.example", tracking_key("x")).click_url(SOME, url) == url
