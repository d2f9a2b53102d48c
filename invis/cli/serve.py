"""`invis serve`: the dashboard, for people who will never open a notebook."""

from __future__ import annotations

from pathlib import Path

import click

from invis.doctor.ports import why_taken
from invis.errors import InvisError
from invis.shipped import data_path


@click.command(short_help="Serve an atlas as a dashboard.")
@click.option("--store", help="Folder or URL of an atlas  [default: the one that ships]")
@click.option("--port", default=5006, show_default=True)
@click.option("--address", default="127.0.0.1", show_default=True, help="0.0.0.0 for everyone.")
@click.option("--no-live", is_flag=True, help="Visitors may look, and start no searches.")
@click.option(
    "--runs",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of recordings for the page of trajectories.",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of pictures whose crops visitors may see as exemplars.",
)
@click.option("--prefix", default="", help="Prefix of all URLs behind a proxy, such as /invis.")
@click.option("--allow-websocket-origin", multiple=True, help="HOST[:PORT] that pages come from.")
@click.option("--embed", multiple=True, help="Origin of a page that may show this in a frame.")
@click.option(
    "--basic-auth",
    envvar="INVIS_BASIC_AUTH",
    help="A password, or a JSON file of users and passwords; $INVIS_BASIC_AUTH hides it.",
)
@click.option(
    "--cookie-secret",
    envvar="INVIS_COOKIE_SECRET",
    help="Secret of the login's cookies, needed with --basic-auth; or $INVIS_COOKIE_SECRET.",
)
def serve(
    store: str | None,
    port: int,
    address: str,
    no_live: bool,
    runs: Path | None,
    images: Path | None,
    prefix: str,
    allow_websocket_origin: tuple[str, ...],
    embed: tuple[str, ...],
    basic_auth: str | None,
    cookie_secret: str | None,
) -> None:
    """Serve the atlas at --store: its units, live searches, trajectories and stitching.

    Only this machine sees it unless --address says otherwise. The store is only read.
    """
    if basic_auth and not cookie_secret:
        raise InvisError(
            "--basic-auth needs --cookie-secret: give a long random text, such as the output of "
            "`openssl rand -hex 32`"
        )
    if prefix and not prefix.startswith("/"):
        raise InvisError(f"--prefix {prefix!r} is no path: let it begin with a slash, as in /invis")
    _free(address, port)
    if images is not None:
        from invis.probe.pictures import list_pictures

        list_pictures(images)
    from invis.dashboard.doors import Doors

    doors = Doors.at(address, port, allow_websocket_origin, embed)
    from invis.dashboard.login import Login

    login = Login(basic_auth) if basic_auth else None
    place = store or str(data_path("atlas"))
    from invis.dashboard.app import Options
    from invis.dashboard.server import serve as run
    from invis.dashboard.store import Store

    options = Options(Store(place), not no_live, runs, prefix.rstrip("/"), images)
    where = f"http://{address}:{port}{options.prefix}/  (Ctrl-C ends it)"
    run(options, port, address, lambda: click.echo(where), doors, login, cookie_secret)


def _free(address: str, port: int) -> None:
    """Raise InvisError where nothing can listen there."""
    if not 0 < port < 65536:
        raise InvisError(f"--port {port} is no port: use one from 1 to 65535")
    if reason := why_taken(port, address):
        raise InvisError(
            f"--port {port} at {address} cannot be listened on ({reason}): choose another, "
            f"such as --port {port + 1 if port < 65535 else 5006}"
        )
