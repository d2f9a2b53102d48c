"""The log: one line an event, JSON for machines and words for a person at a terminal."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import time
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

log = logging.getLogger("invis.dashboard")
LONGEST = 200


def event(what: str, **more: Any) -> None:
    """One line of the log."""
    log.info(_line(what, more))


def broken(error: BaseException) -> None:
    """What a visitor's message broke costs that message alone; the log keeps one line of it."""
    event("error", kind=type(error).__name__, message=short(str(error)))


def short(text: str) -> str:
    """The first line of a text, cut where it is long."""
    return text.strip().partition("\n")[0][:LONGEST]


def begin() -> None:
    """Send all logs of this process to standard error, each record as one line.

    What libraries log with a traceback, what threads die of and what Python warns of are no
    exceptions: a log that is read by machines has one line an event, and paths of this machine are
    no news for who reads it elsewhere.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    log.setLevel(logging.INFO)
    logging.captureWarnings(True)
    # These bring handlers of their own, and one for the standard output.
    for name in ("bokeh", "panel", "param"):
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [handler], False
        logger.setLevel(logging.WARNING)
    # A visitor's odd request is no news.
    for name in ("tornado.access", "tornado.general"):
        logging.getLogger(name).setLevel(logging.ERROR)
    threading.excepthook = lambda died: broken(died.exc_value or RuntimeError("a thread died"))
    sys.unraisablehook = lambda lost: broken(lost.exc_value or RuntimeError("unraisable"))


def lost(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A visitor who left while a message was on its way is no error."""
    error = context.get("exception")
    if error is None:
        event("error", kind="asyncio", message=short(str(context.get("message"))))
    elif not isinstance(error, (WebSocketClosedError, StreamClosedError)):
        broken(error)


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if record.name == log.name and not record.exc_info:
            return record.getMessage()
        more: dict[str, Any] = {"logger": record.name, "message": short(record.getMessage())}
        kind, error, _ = record.exc_info or (None, None, None)
        if kind is not None:
            more |= {"kind": kind.__name__, "reason": short(str(error))}
        return _line("error" if record.levelno >= logging.ERROR else "warning", more)

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the name that logging calls)
        return ""


def _line(what: str, more: dict[str, Any]) -> str:
    if sys.stderr.isatty():
        details = ", ".join(f"{key} {value}" for key, value in more.items())
        return f"{time.strftime('%H:%M:%S')}  {what}  {details}".rstrip()
    return json.dumps({"time": round(time.time(), 3), "event": what, **more})
