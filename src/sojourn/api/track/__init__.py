"""Tracking: what the clients of Segment's HTTP tracking API send, over `/v1`, and what others post to `/hooks`."""
