"""Start the server and the browser, and end both properly."""

import os
import secrets
import socket
import threading
import webbrowser
from contextlib import suppress
from typing import Any

from .app import make_app
from .process import Computation


def free_socket(port: int) -> socket.socket:
    """A socket that listens on the loopback address at this port, or at any free one for 0.

    Raises
    ------
    OSError
        The port is taken.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # an explorer that has just ended does not block the port; on Windows this would share it
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(64)
    except OSError as error:
        listening.close()
        raise OSError(
            f"port {port} cannot be used ({error.strerror}); another explorer may have it: leave out "
            "--port, and a free one is taken"
        ) from error
    return listening


def serve(
    settings: dict[str, Any], options: dict[str, Any], *, port: int = 0, browser: bool = True, quiet: bool = False
) -> None:
    """Serve the page until Ctrl-C.

    Parameters
    ----------
    settings : dict
        Of the page, see `page_settings`.
    options : dict
        Of `Answers`.
    port : int
        0 for any free one.
    browser : bool
        Open the page there.
    quiet : bool
        Do not print the address.
    """
    import uvicorn

    listening = free_socket(port)
    port, token = listening.getsockname()[1], secrets.token_urlsafe(24)
    app = make_app(Computation(options), token=token, port=port, settings=settings)
    address = f"http://127.0.0.1:{port}/{token}/"
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        ws="none",
        lifespan="on",
    )
    if not quiet:
        print(f"The explorer is at {address}\nCtrl-C ends it.", flush=True)
    if browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    try:
        with suppress(KeyboardInterrupt):  # the way to end it, not a failure
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        listening.close()
