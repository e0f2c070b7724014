#!/usr/bin/env python3
"""Make the screenshots of the manual from a running Odoo, through headless Chromium.

    python docs/screenshots.py --url http://127.0.0.1:8069 --database erp job-list=/odoo/queue-jobs

Each argument NAME=PATH becomes ``docs/images/NAME.png``: the page as the user sees it once Odoo has
drawn it. Needs Chromium on the PATH, and ``requests`` and ``websocket-client``.
"""

import argparse
import base64
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests
import websocket

IMAGES = Path(__file__).parent / "images"
SECONDS_TO_WAIT = 30

#: True once the page has drawn a view and nothing is being loaded any more
DRAWN = """
    document.fonts.status === "loaded"
    && !!document.querySelector(".o_action_manager .o_view_controller")
    && !document.querySelector(".o_loading_indicator, .o_blockUI, .o-mail-Chatter .fa-spin")
    && [...document.images].every((image) => image.complete)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", metavar="NAME=PATH", type=_page)
    parser.add_argument("--url", default="http://127.0.0.1:8069")
    parser.add_argument("--database", required=True)
    parser.add_argument("--login", default="admin")
    parser.add_argument("--password", default="admin")
    parser.add_argument("--size", default="1440x900", help="of the window in pixels (%(default)s)")
    parser.add_argument("--output", type=Path, default=IMAGES, help="folder of the images (%(default)s)")
    options = parser.parse_args()

    options.output.mkdir(parents=True, exist_ok=True)
    session_id = log_in(options.url, options.database, options.login, options.password)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, Browser(profile, options.size) as browser:
        browser.call("Network.setCookie", name="session_id", value=session_id, url=options.url)
        for name, path in options.pages:
            image = options.output / f"{name}.png"
            image.write_bytes(browser.screenshot(options.url + path))
            print(image)


def _page(argument):
    name, found, path = argument.partition("=/")
    if not found:
        raise argparse.ArgumentTypeError(f"{argument!r} is not NAME=/PATH, such as job-list=/odoo/queue-jobs")
    return name, f"/{path}"


def log_in(url, database, login, password):
    """Return the session id of a user of the Odoo at that URL."""
    params = {"db": database, "login": login, "password": password}
    answer = requests.post(f"{url}/web/session/authenticate", json={"params": params}, timeout=SECONDS_TO_WAIT)
    answer.raise_for_status()
    if "error" in answer.json():
        sys.exit(f"{url} refuses {login} on {database}: {answer.json()['error']['data']['message']}")
    return answer.cookies["session_id"]


class Browser:
    """A headless Chromium, spoken to by its DevTools protocol."""

    def __init__(self, profile, size):
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if not program:
            sys.exit("Chromium is not on the PATH: install it (Debian: apt install chromium)")
        self._numbers = itertools.count(1)
        self._process = subprocess.Popen(
            [
                program, "--headless", "--no-sandbox", "--hide-scrollbars", "--remote-debugging-port=0",
                f"--user-data-dir={profile}", "about:blank",
            ],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        port_file = Path(profile, "DevToolsActivePort")
        port = self._wait(
            lambda: port_file.exists() and port_file.read_text().splitlines()[:1], "Chromium did not start"
        )[0]
        tabs = requests.get(f"http://127.0.0.1:{port}/json/list", timeout=SECONDS_TO_WAIT).json()
        address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        self._socket = websocket.create_connection(address, timeout=SECONDS_TO_WAIT, suppress_origin=True)
        width, height = map(int, size.split("x"))
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.call("Browser.close")
        self._socket.close()
        self._process.wait()

    def call(self, method, **params):
        """Call a method of the DevTools protocol and return its result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                if "error" in message:
                    sys.exit(f"Chromium refuses {method}: {message['error']['message']}")
                return message["result"]

    def evaluate(self, expression):
        """Return the value of a JavaScript expression in the page."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def screenshot(self, url):
        """Return the PNG of the page at that URL, once it is drawn."""
        self.call("Page.navigate", url=url)
        self._wait(lambda: self.evaluate(DRAWN), f"{url} was not drawn")
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def _wait(self, condition, failure):
        end = time.monotonic() + SECONDS_TO_WAIT
        while time.monotonic() < end:
            if result := condition():
                return result
            time.sleep(0.1)
        sys.exit(f"{failure} within {SECONDS_TO_WAIT} s")


if __name__ == "__main__":
    main()
