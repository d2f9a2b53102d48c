"""The dashboard inside JupyterHub or JupyterLab, for whoever is logged in there.

    pip install invis jupyter-server-proxy
    cp deploy/jupyter_server_config.py ~/.jupyter/       # or into /etc/jupyter, for everyone

JupyterLab's launcher then has a tile for it, and https://HUB/user/NAME/invis/ opens it: each user's
own process, started by the first visit.
"""

c = get_config()  # noqa: F821

c.ServerProxy.servers = {
    "invis": {
        "command": [
            "invis", "serve", "--port", "{port}", "--prefix", "{base_url}invis",
            # Jupyter has asked for the login already, and only it reaches the port.
            "--allow-websocket-origin", "*",
        ],
        # Hand the whole path on: the dashboard knows its prefix.
        "absolute_url": True,
        "timeout": 60,
        "launcher_entry": {"title": "Invis", "path_info": "invis/"},
    }
}  # fmt: skip
