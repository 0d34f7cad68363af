"""Notify: how a process says that it is ready, to whoever started it: systemd's protocol, a datagram to a socket."""

import contextlib
import os
import socket

SOCKET_VARIABLE = "NOTIFY_SOCKET"
NAME_VARIABLE = "SOJOURN_PROCESS"


def tell_ready() -> None:
    """Say that this process is ready. Does nothing if nobody asked; a listener that went away is no trouble of ours."""
    path = os.environ.get(SOCKET_VARIABLE)
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    message = f"READY=1\n{NAME_VARIABLE}={os.environ.get(NAME_VARIABLE, '')}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, contextlib.suppress(OSError):
        sender.sendto(message.encode(), address)
