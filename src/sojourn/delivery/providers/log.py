"""Log: a provider that writes to the log. What emails use until a mail server is named."""

from typing import ClassVar

from sojourn.delivery.messages import Accepted, Email, Logged, LogRequest, OutboundMessage, Outcome, WebhookCall


class LogProvider:
    """Write that a message would have gone out. Ids only: addresses and contents do not belong in a log."""

    name: ClassVar[str] = "log"

    def request(self, message: OutboundMessage) -> LogRequest:
        """Say what to log."""
        match message:
            case Email():
                size = len(message.html) + len(message.text)
            case WebhookCall():
                size = len(message.body)
        return LogRequest(
            event="delivery.logged", fields={"channel": message.channel, "message": message.key, "size": size}
        )

    def outcome(self, response: Logged) -> Outcome:  # noqa: ARG002 - there is one response
        """A written entry is a sent message."""
        return Accepted()
