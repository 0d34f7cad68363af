"""Data in: people, devices and events, over `/json/1.3/{method}`."""
