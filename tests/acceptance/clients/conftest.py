"""Programs for the published tracking clients, run by a test in environments of their own; no tests."""

collect_ignore_glob = ["*"]
