"""Providers: one module per kind of service. A provider decides; it does no I/O."""

from sojourn.delivery.providers.log import LogProvider
from sojourn.delivery.providers.smtp import SmtpProvider
from sojourn.delivery.providers.webhook import WebhookProvider

PROVIDERS = (LogProvider, SmtpProvider, WebhookProvider)
"""All of them, for docs and the shared tests."""
