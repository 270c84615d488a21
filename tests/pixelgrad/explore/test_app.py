"""Attacks on the server, and what it does for those who may use it. All over real sockets."""

import io
import socket
import time

import numpy as np
import pytest
from PIL import Image

from pixelgrad.explore.messages import pack, unpack
from pixelgrad.explore.page import static_files

pytest.importorskip("uvicorn", reason="the explorer's server needs uvicorn and starlette")
pytest.importorskip("starlette", reason="the explorer's server needs uvicorn and starlette")


def page(server):
    return f"/{server.token}/"


def test_the_page_and_its_files_are_served_with_strict_headers(server):
    status, headers, html = server.request("GET", page(server))
    headers = {name.lower(): value for name, value in headers.items()}
    assert status == 200 and b"<title>pixelgrad explorer</title>" in html
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff" and "access-control-allow-origin" not in headers
    for name, data in static_files().items():
        assert server.request("GET", f"{page(server)}static/{name}")[2] == data


def test_it_listens_on_the_loopback_address_only(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:{port}", ""])
def test_another_host_is_refused_as_dns_rebinding_would_send_it(server, host):
    status, _, _ = server.request("GET", page(server), headers={"Host": host.format(port=server.port)})
    assert status in (400, 403)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_another_page_is_refused_though_it_knows_the_token(server, headers):
    assert server.request("POST", f"/{server.token}/ask", pack({"kind": "describe"}), headers)[0] == 403
    assert server.request("GET", f"{page(server)}static/main.js", headers=headers)[0] == 403


def test_the_pages_own_requests_pass(server):
    headers = {"Origin": f"http://127.0.0.1:{server.port}", "Sec-Fetch-Site": "same-origin"}
    assert server.request("POST", f"/{server.token}/ask", pack({"kind": "describe"}), headers)[0] == 200


@pytest.mark.parametrize("path", ["/", "/ask", "/static/main.js", "/wrong/", "/wrong/ask", "//", "/token-of-the-test/"])
def test_without_the_token_there_is_nothing(server, path):
    assert server.request("GET", path)[0] == 403
    assert server.request("POST", path, pack({"kind": "describe"}))[0] == 403


@pytest.mark.parametrize(
    "name",
    [
        "static/../page.py",
        "static/..%2fpage.py",
        "static/%2e%2e/%2e%2e/cli/commands.py",
        "static//etc/passwd",
        "static/index.html",
        "source/../../../etc/passwd",
        "source//etc/passwd",
        "source/%2fetc%2fpasswd",
        "source/setup.py",
        "source/classifiers/../classifiers/network.py",
        "static/main.js%00.txt",
    ],
)
def test_paths_lead_to_nothing_but_the_pages_files(server, name):
    assert server.request("GET", page(server) + name)[0] == 404


def test_the_source_of_a_view_can_be_read(server):
    status, headers, content = server.request("GET", f"{page(server)}source/layers/im2col.py")
    assert (
        status == 200
        and b"def im2col" in content
        and "text/plain" in {k.lower(): v for k, v in headers.items()}["content-type"]
    )


def test_an_upload_of_500_MB_is_refused_before_it_is_sent(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        head = f"POST /{server.token}/ask HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        head += f"Content-Type: application/octet-stream\r\nContent-Length: {500 * 2**20}\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 1000)
        assert b" 413 " in connection.recv(1000)


def test_an_upload_that_hides_its_size_is_refused_where_the_limit_is(server):
    sent = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        head = f"POST /{server.token}/ask HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        head += "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        part = b"%x\r\n%s\r\n" % (2**20, bytes(2**20))
        try:
            for _ in range(500):
                connection.sendall(part)
                sent += 1
        except OSError:
            pass
        else:
            pytest.fail("500 MB were taken")
    assert sent < 200  # what the system holds is added to the limit
    assert server.ask({"kind": "describe"})  # and the server goes on


def test_a_form_of_another_kind_is_refused(server):
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", None):
        assert server.request("POST", f"/{server.token}/ask", b"a=b", {"Content-Type": kind})[0] == 415


def test_a_decompression_bomb_is_refused(server):
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")
    ((header, _),) = server.ask({"kind": "upload"}, {"file": np.frombuffer(file.getvalue(), np.uint8)})
    assert header["reason"] == "failed" and "pixels" in header["error"]


def test_nonsense_is_answered_by_an_error(server):
    for body in (b"", b"nonsense", pack({"kind": "forward"}), pack({"kind": "picture", "name": "/etc/passwd"})):
        status, _, content = server.request("POST", f"/{server.token}/ask", body)
        (size,) = {len(content)}
        assert status == 200 and unpack(content[:size])[0]["error"]


def test_an_answer_is_what_numpy_computes(server, model, picture):
    *_, (header, arrays) = server.ask({"kind": "forward"}, {"picture": picture})
    assert np.allclose(arrays["scores"], model.scores(model.preprocess(picture))[0], rtol=1e-4, atol=1e-4)


def test_a_closed_browser_ends_the_computation(server, picture):
    body = pack({"kind": "grow", "what": "class", "label": 3, "steps": 1000, "pace": 200}, {"picture": picture})
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = f"POST /{server.token}/ask HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        head += f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        connection.recv(1000)
        job = server.computation._newest
        assert not job.cancelled
    until = time.monotonic() + 30
    while not job.cancelled and time.monotonic() < until:
        time.sleep(0.05)
    assert job.cancelled == "stopped"  # not "superseded": no other request came
    assert "layers" in server.ask({"kind": "describe"})[0][0]


def test_stop_ends_what_grows(server, picture):
    import threading

    found = []
    grow = {"kind": "grow", "what": "class", "label": 3, "steps": 1000, "pace": 200}
    asking = threading.Thread(target=lambda: found.extend(server.ask(grow, {"picture": picture})))
    asking.start()
    for _ in range(60):  # until it has begun: what has not cannot be stopped
        assert server.request("POST", f"/{server.token}/stop", b"")[0] == 200
        asking.join(1)
        if not asking.is_alive():
            break
    assert not asking.is_alive() and found[-1][0]["reason"] == "stopped" and len(found) < 1000
