"""A visitor without a browser: fetches a page, and opens the websocket that its token is for."""

import re
from contextlib import asynccontextmanager

from bokeh.protocol import Protocol
from bokeh.protocol.receiver import Receiver
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect


async def fetch(address, path, **how):
    """The answer, whatever its code."""
    asked = HTTPRequest(f"{address}{path}", follow_redirects=False, request_timeout=120, **how)
    return await AsyncHTTPClient().fetch(asked, raise_error=False)


async def token_of(address, path="/atlas"):
    """The token of a page that is fetched now."""
    page = (await fetch(address, path)).body.decode()
    return re.search(r'"token":"([\w.-]+)"', page)[1]


@asynccontextmanager
async def socket(address, token, path="/atlas", **headers):
    """The websocket of a page."""
    request = HTTPRequest(
        f"{address.replace('http', 'ws')}{path}/ws", headers={"Origin": address} | headers
    )
    connection = await websocket_connect(request, subprotocols=["bokeh", token])
    try:
        yield connection
    finally:
        connection.close()


async def say(connection, message):
    """Send a message of Bokeh's protocol."""
    await connection.write_message(message.header_json)
    await connection.write_message(message.metadata_json)
    await connection.write_message(message.content_json)


async def hear(connection):
    """The next message; None where the other side has closed."""
    receiver, whole = Receiver(Protocol()), None
    while whole is None:
        fragment = await connection.read_message()
        if fragment is None:
            return None
        whole = await receiver.consume(fragment)
    return whole
