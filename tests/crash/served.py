"""The server as a process that is killed, and a client that tells an error from no answer."""

import http.client
import re
import subprocess
import threading
import time
import urllib.parse

START_TIMEOUT_S = 60
# The log is kept so short that a checkpoint is always under way or near.
LOG_BYTES_MAX = 131_072
REQUEST_TIMEOUT_S = 60


class Broken(Exception):
    """A promise that was not kept."""


class Refused(Exception):
    """The server answered with an error."""


class Server:
    """One process over a data folder."""

    def __init__(self, binary, folder, log, *more):
        self.port = None
        self.ready = threading.Event()
        self.started = time.monotonic()
        command = [binary, "server", "--data", str(folder), "--http-port", "0", "--log-bytes-max", str(LOG_BYTES_MAX),
                   *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, errors="replace")
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            found = re.search(r"(?:127\.0\.0\.1|localhost):(\d+)", line)
            if found and self.port is None:
                self.port = int(found[1])
                self.ready.set()
        self.ready.set()

    def wait_ready(self):
        """Until the port is printed; raises when the process ends instead."""
        if not self.ready.wait(START_TIMEOUT_S) or self.port is None:
            code = self.process.poll()
            raise Broken(f"the server did not start (exit code {code})")

    def sleep_until(self, seconds):
        """Until so long after the start."""
        time.sleep(max(0.0, self.started + seconds - time.monotonic()))

    def kill(self):
        """SIGKILL; returns the exit code it had before, or None."""
        before = self.process.poll()
        self.process.kill()
        self.process.wait()
        return before


class Client:
    """One HTTP connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_TIMEOUT_S)

    def ask(self, query, body=None):
        """The answer's text. OSError and HTTPException: no answer; Refused: an answer that is an error."""
        if body is None:
            url, data = "/", query.encode()
        else:
            url, data = "/?" + urllib.parse.urlencode({"query": query}), body
        self.connection.request("POST", url, data)
        response = self.connection.getresponse()
        text = response.read().decode(errors="replace")
        if response.status != 200 or response.headers.get("X-ClickHouse-Exception-Code"):
            raise Refused(f"{response.status}: {text.strip()[:300]}", response.headers.get("X-ClickHouse-Exception-Code"))
        return text

    def rows(self, query):
        """The answer as rows of integers."""
        return [tuple(int(cell) for cell in line.split("\t")) for line in self.ask(query).splitlines()]


UNANSWERED = (OSError, http.client.HTTPException)
