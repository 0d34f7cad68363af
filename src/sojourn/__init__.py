"""Sojourn: a customer-journey engine in which people move as sets."""
