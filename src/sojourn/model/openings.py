"""Openings: what is known of somebody who opened an app."""

APPLICATION_OPEN = "application_open"
"""The event that an app was opened. Its attribute `hwid` names the device."""

LAST_APPLICATION_OPEN = "Last Application Open"
"""The attribute that holds when the person last opened an app."""
