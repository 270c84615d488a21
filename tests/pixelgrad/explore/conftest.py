import http.client
import os
import shutil
import struct
import threading

import numpy as np
import pytest

from pixelgrad.classifiers import Network, PretrainedCNN
from pixelgrad.datasets import sample_image
from pixelgrad.explore.messages import pack, unpack


@pytest.fixture(scope="package")
def model():
    return PretrainedCNN()


@pytest.fixture(scope="package")
def picture():
    return sample_image("portrait", size=64)


@pytest.fixture(scope="package")
def networks(model):
    """Networks with every kind of layer, beside the shipped one: {name: (network, image in model space)}."""
    conv = {"type": "conv", "size": 3, "stride": 2, "pad": 1}
    fire = {"type": "fire", "squeeze": 4, "expand1": 5, "expand3": 6}
    pools = [
        {"type": "max_pool", "size": 3, "stride": 2, "ceil_mode": True},
        {"type": "avg_pool", "size": 2, "stride": 1},
    ]
    squeeze = [conv | {"filters": 6, "relu": False}, {"type": "relu"}, pools[0], fire, pools[1], fire]
    squeeze += [{"type": "conv", "filters": 7, "size": 1}, {"type": "global_avg_pool"}]
    plain = [conv | {"filters": 5, "batchnorm": True}]
    plain += [{"type": "affine", "units": 9, "batchnorm": True, "relu": True}, {"type": "affine", "units": 4}]
    found = {"shipped": (model, model.preprocess(sample_image("portrait", size=64)))}
    for name, architecture, size in (("fire", squeeze, 33), ("affine", plain, 16)):
        network = Network(architecture, input_size=(size, size), rng=3, pixel_mean=[100, 110, 120])
        rng = np.random.default_rng(1)
        for key, value in network.params.items():  # running averages and betas that are not 0 and 1
            if key[0] in "bgr":
                network.params[key] = (value + rng.random(value.shape)).astype(np.float32)
        found[name] = network, network.preprocess(sample_image("portrait", size=size))
    return found


TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Server:
    """An explorer that runs in a thread of the tests."""

    def __init__(self, options):
        import uvicorn

        from pixelgrad.explore.app import make_app
        from pixelgrad.explore.page import page_settings
        from pixelgrad.explore.process import Computation
        from pixelgrad.explore.serve import free_socket

        self.token = "token-of-the-tests"
        self.socket = free_socket(0)
        self.port = self.socket.getsockname()[1]
        settings = page_settings(networks=["standard", "robust"], sample="portrait")
        self.computation = Computation(options)
        app = make_app(self.computation, token=self.token, port=self.port, settings=settings)
        config = uvicorn.Config(app, log_level="error", ws="none", lifespan="on", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True)
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.port}/{self.token}/"

    def request(self, method, path, body=None, headers=None):
        """The status, headers and body of an answer; the path is sent as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        given = {"Host": f"127.0.0.1:{self.port}", "Content-Type": "application/octet-stream"} | (headers or {})
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        if body:
            connection.send(body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), content

    def ask(self, request, arrays=None):
        """The frames of an answer."""
        status, _, content = self.request("POST", f"/{self.token}/ask", pack(request, arrays))
        assert status == 200, content
        return frames_of(content)

    def close(self):
        self.server.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.socket.close()


def frames_of(content):
    """All frames of a stream, as (header, arrays)."""
    found = []
    while content:
        size = 8 + sum(struct.unpack_from("<II", content))
        found.append(unpack(content[:size]))
        content = content[size:]
    return found


@pytest.fixture(scope="package")
def server():
    pytest.importorskip("uvicorn", reason="the explorer's server needs uvicorn and starlette")
    pytest.importorskip("starlette", reason="the explorer's server needs uvicorn and starlette")
    running = Server({"image": "portrait"})
    yield running
    running.close()


CHROMIUM = os.environ.get("PIXELGRAD_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split()
FLAGS += ["--disable-component-update", "--disable-sync"]
FLAGS += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # a camera that shows a test card
DESKTOP = {"width": 1400, "height": 900}


@pytest.fixture(scope="module")  # while it runs, so does an event loop, which stands in the way of asyncio.run
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: the browser's tests are skipped")
    with sync_api.sync_playwright() as playwright:
        sync_api.expect.set_options(timeout=30_000)
        running = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def opened(browser, server, settled):
    """opened(view, ...) -> a page that shows the view; what its console says must be nothing."""
    said, contexts = [], []

    def open_page(view, *, address=None, ready=True, **options):
        context = browser.new_context(**({"viewport": DESKTOP} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((address or server.address) + f"#{view}")
        if ready:
            settled(page, view.split("?")[0])
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not [text for text in said if "willReadFrequently" not in text]  # the tests' own reading of canvases


@pytest.fixture
def settled():
    """settled(page, view) waits until a view shows what it computes at its start; without one, for what was asked."""

    def settle(page, view=None):
        wait = {
            "street": lambda: page.locator(".score-column .percent").first.wait_for(),
            "microscope": lambda: page.locator("h2", has_text=":").wait_for(),
            "where": lambda: page.locator(".split span", has_text="Grad-CAM").wait_for(),
            "hands": lambda: page.locator("#fool-scores .percent").first.wait_for(),
            "grow": lambda: page.get_by_role("button", name="Start").wait_for(),
        }
        if view:
            wait[view]()
        page.wait_for_function("() => !document.body.classList.contains('busy')")
        page.evaluate(TWO_FRAMES)  # what follows from the sizes of what is new

    return settle
