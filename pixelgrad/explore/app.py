"""The server of the page: what it hands out, and to whom.

It is for the person at this computer only. It listens on the loopback address. A request must name that address as its
host (another name would be DNS rebinding), must not come from another page, and must know the token in the address.
Nothing in a request names a file: the page's own files come from a table that is made when the server starts.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from .messages import pack
from .page import UPLOAD_LIMIT, page_html, static_files
from .process import Computation
from .sources import source_files

BODY_LIMIT = UPLOAD_LIMIT + 2**16  # bytes of a request: a photograph and its header
CSP = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Gate:
    """Lets a request through if it comes from this computer's own page, and adds the headers to every answer."""

    def __init__(self, app: Any, *, token: str, port: int) -> None:
        self.app, self.token = app, token
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # web sockets are not spoken here
            await send({"type": "websocket.close", "code": 1008})
            return

        async def with_headers(message):
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        refusal = self._refusal(Request(scope))
        if refusal is not None:
            await PlainTextResponse(refusal + "\n", 403)(scope, receive, with_headers)
        else:
            await self.app(scope, receive, with_headers)

    def _refusal(self, request):
        """Why a request is refused, or None."""
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if host not in self.hosts:
            return "This server answers to the address that `pixelgrad explore` has printed, and to no other name."
        if origin is not None and origin not in self.origins:
            return "This request comes from another page."
        if request.headers.get("sec-fetch-site", "none") in ("cross-site", "same-site"):
            # Someone may follow a link to the page, if it holds the token; other pages may not use what is behind it.
            if request.method != "GET" or request.headers.get("sec-fetch-mode") != "navigate":
                return "This request comes from another page."
        token = request.url.path.split("/")[1]
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            return "The address lacks the token, or has an old one; open the address that `pixelgrad explore` printed."
        return None


def make_app(computation: Computation, *, token: str, port: int, settings: dict[str, Any]) -> Any:
    """The server as an ASGI application.

    Parameters
    ----------
    computation : Computation
        Where requests are computed.
    token : str
        What every address begins with.
    port : int
        That the server listens on.
    settings : dict
        What the page is told at its start.
    """
    html = page_html(settings)
    files, sources = static_files(), source_files()

    async def page(request: Request) -> Response:
        return Response(html, media_type="text/html")

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in files:
            return PlainTextResponse("There is no such file.\n", 404)
        return Response(files[name], media_type=TYPES[Path(name).suffix])

    async def source(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in sources:
            return PlainTextResponse("There is no such file.\n", 404)
        return PlainTextResponse(sources[name].read_text(encoding="utf-8"))

    async def ask(request: Request) -> Response:
        if request.headers.get("content-type") != "application/octet-stream":
            return PlainTextResponse("Requests are binary messages.\n", 415)
        try:
            frame = await _body(request, BODY_LIMIT)
        except ClientDisconnect:
            return Response(status_code=400)
        if frame is None:
            text = f"At most {UPLOAD_LIMIT // 2**20} MB are taken.\n"
            return PlainTextResponse(text, 413, {"Connection": "close"})  # what is still coming is not read
        job = computation.submit(frame)

        async def frames() -> AsyncIterator[bytes]:
            try:
                while (frame := await job.frames.get()) is not None:
                    yield frame
            finally:
                computation.cancel(job)  # without effect once it has finished

        return StreamingResponse(frames(), media_type="application/octet-stream")

    async def stop(request: Request) -> Response:
        computation.stop()
        return Response(pack({}), media_type="application/octet-stream")

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        computation.start()
        try:
            yield
        finally:
            computation.close()

    routes = [
        Route(f"/{token}/", page),
        Route(f"/{token}/static/{{name}}", static),
        Route(f"/{token}/source/{{name:path}}", source),
        Route(f"/{token}/ask", ask, methods=["POST"]),
        Route(f"/{token}/stop", stop, methods=["POST"]),
    ]
    return Gate(Starlette(routes=routes, lifespan=lifespan), token=token, port=port)


async def _body(request, limit):
    """A request's body, or None if it has more bytes than the limit; what is too long is not read to its end."""
    try:
        if int(request.headers.get("content-length", 0)) > limit:
            return None
    except ValueError:
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            return None
    return bytes(body)
