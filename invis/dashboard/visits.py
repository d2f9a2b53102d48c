"""Pages that were fetched and wait for their websocket: each opens one, once, and soon."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

# A browser that loads eight megabytes over a slow line needs a while.
SECONDS, MOST = 120.0, 48
# From the handshake to the connection.
OPENING = 10.0


class Visits:
    """Sessions whose websocket has not come yet.

    A session is made by fetching its page, and only so: a token that is used again, or whose
    session has ended, opens nothing. Where more than `most` wait, those that wait longest go.
    """

    def __init__(self, seconds: float = SECONDS, most: int = MOST) -> None:
        self._seconds, self._most = seconds, most
        self._waiting: OrderedDict[str, tuple[Any, asyncio.TimerHandle]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def expect(self, session: Any) -> None:
        """Keep a session until its websocket comes, or nobody believes in it any more."""
        session.block_expiration()
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._seconds, self._give_up, session.id)
        self._waiting[session.id] = session, timer
        while len(self._waiting) > self._most:
            self._give_up(next(iter(self._waiting)))

    def admit(self, session_id: str) -> bool:
        """Whether a websocket may come in for a session: True once, for one that waits."""
        session, timer = self._waiting.pop(session_id, (None, None))
        if session is None or timer is None:
            return False
        timer.cancel()
        asyncio.get_running_loop().call_later(OPENING, session.unblock_expiration)
        return True

    def _give_up(self, session_id: str) -> None:
        session, timer = self._waiting.pop(session_id)
        timer.cancel()
        session.unblock_expiration()
