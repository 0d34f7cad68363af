"""What Sojourn talks about: points, graphs, segments, schedules, lifecycle, problems. Pure data and pure rules."""
