"""Exporting people, events and enrollments."""
