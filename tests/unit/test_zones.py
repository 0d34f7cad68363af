"""Zones: every offset that a device may give becomes a zone of that offset."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sojourn.model.zones import PARTIAL_HOURS, is_zone, zone_of_offset

WINTERS = (datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC))


@pytest.mark.parametrize("hours", range(-12, 15))
def test_whole_hours_are_exact_all_year(hours: int) -> None:
    zone = ZoneInfo(zone_of_offset(hours * 3600))
    assert {at.astimezone(zone).utcoffset() for at in WINTERS} == {timedelta(hours=hours)}


@pytest.mark.parametrize("seconds", PARTIAL_HOURS)
def test_partial_hours_are_exact_in_winter(seconds: int) -> None:
    zone = ZoneInfo(zone_of_offset(seconds))
    assert timedelta(seconds=seconds) in {at.astimezone(zone).utcoffset() for at in WINTERS}


@pytest.mark.parametrize("seconds", range(-50400, 50401, 900))
def test_every_quarter_of_an_hour_has_a_zone_that_is_near(seconds: int) -> None:
    name = zone_of_offset(seconds)
    assert is_zone(name)
    offsets = [at.astimezone(ZoneInfo(name)).utcoffset() for at in WINTERS]
    limit = timedelta(hours=2) if seconds < -12 * 3600 else timedelta(minutes=30)
    assert min(abs(offset - timedelta(seconds=seconds)) for offset in offsets if offset is not None) <= limit


@pytest.mark.parametrize("name", ["", "Factory", "localtime", "Europe", "../etc/passwd", "UTC+3", "europe/berlin"])
def test_what_is_no_zone(name: str) -> None:
    assert not is_zone(name)
