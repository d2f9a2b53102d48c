"""Whether a server could listen on a port."""

from __future__ import annotations

import os
import socket


def why_taken(port: int, address: str = "127.0.0.1") -> str | None:
    """Why nothing can listen there, in words of the system; None where something can."""
    with socket.socket() as probe:
        # Elsewhere this flag would let two programs share a port; here it passes over a port that
        # was left a moment ago.
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.strerror or str(error)
    return None
