"""A server for a test of a client, and the checks that run against it."""

import contextlib
import re
import subprocess
import tempfile
import traceback

CHECKS = []


def check(function):
    """Registers a check: a function of the server's port that raises when something is wrong."""
    CHECKS.append(function)
    return function


@contextlib.contextmanager
def serving(everview):
    """Runs a server over a new folder; gives its port."""
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([everview, "server", "--data", folder, "--http-port", "0"], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            said = ""
            while not (found := re.search(r"http://[0-9.]+:(\d+)", said)):
                line = server.stdout.readline()
                if not line:
                    raise SystemExit(f"the server did not start:\n{said}")
                said += line
            yield int(found[1])
        finally:
            server.terminate()
            server.wait(timeout=60)


def run_checks(port):
    """Runs every check; the last line counts them. Returns the exit code."""
    failed = 0
    for function in CHECKS:
        name = function.__name__.replace("_", " ")
        try:
            function(port)
            print(f"ok   {name}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL {name}", flush=True)
            traceback.print_exc()
    print(f"{len(CHECKS) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0
