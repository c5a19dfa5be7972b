"""What the checks of all sources share: the server, how it is asked, what is installed, and how checks are counted."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import traceback
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

TIMEOUT_S = 120


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


class Everview:
    """`everview server` over a new folder; it can be asked and stopped."""

    def __init__(self, program, *flags):
        self.program, self.flags = program, flags
        self.folder = tempfile.mkdtemp(prefix="everview-external-")
        self.start()

    def start(self):
        command = [self.program, "server", "--data", self.folder, "--http-port", "0", *self.flags]
        self.output = open(Path(self.folder).with_suffix(".log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=self.output)
        said = ""
        while not (found := re.search(r"http://[0-9.]+:(\d+)", said)):
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"the server did not start:\n{said}{self.log()}")
            said += line
        self.port = int(found[1])

    def log(self):
        """What the server wrote to its log so far."""
        return Path(self.output.name).read_text(encoding="utf-8", errors="replace")

    def ask(self, statement, **settings):
        """The answer as TabSeparated text; raises Refused."""
        address = f"http://127.0.0.1:{self.port}/?{urllib.parse.urlencode(settings)}"
        try:
            with urllib.request.urlopen(address, data=statement.encode(), timeout=TIMEOUT_S) as answer:
                text = answer.read().decode("utf-8", "surrogateescape")
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
        # an error behind rows that were already sent stands at the end of them
        if found := re.search(r"^Code: (\d+)\. DB::Exception: (.*)", text, re.DOTALL | re.MULTILINE):
            raise Refused(int(found[1]), found[2])
        return text

    def rows(self, statement, **settings):
        """The answer as lists of cells."""
        return [line.split("\t") for line in self.ask(statement, **settings).splitlines()]

    def refuses(self, statement, code, *words, without=()):
        """The statement fails with that code; its message has the words and none of the others."""
        try:
            answer = self.ask(statement)
        except Refused as refused:
            assert refused.code == code, f"code {refused.code} instead of {code}: {refused.message}"
            for word in words:
                assert word in refused.message, f"{word!r} is not in: {refused.message}"
            for word in without:
                assert word not in refused.message, f"{word!r} is in: {refused.message}"
            return refused.message
        raise AssertionError(f"{statement} answered: {answer[:200]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=TIMEOUT_S)
        self.output.close()

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        Path(self.folder).with_suffix(".log").unlink(missing_ok=True)


class Checks:
    """The checks of one source, in the order in which they are written."""

    def __init__(self):
        self.functions = []

    def __call__(self, function):
        self.functions.append(function)
        return function

    def run(self, only, *given):
        """Runs them; gives how many passed and failed."""
        passed = failed = 0
        for function in self.functions:
            name = function.__name__.replace("_", " ")
            if only and only not in function.__name__ and only not in name:
                continue
            try:
                function(*given)
                passed += 1
                print(f"ok   {name}", flush=True)
            except Exception:
                failed += 1
                print(f"FAIL {name}", flush=True)
                traceback.print_exc()
        return passed, failed


def equal(found, expected):
    """Both are the same; says where they are not."""
    if found == expected:
        return
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for at, (one, other) in enumerate(zip(found, expected)):
            assert one == other, f"at {at}: {one!r} instead of {other!r}"
    raise AssertionError(f"{found!r}\ninstead of\n{expected!r}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def install(package, is_there):
    """Installs a package of Debian unless what it is needed for is there."""
    if is_there():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SystemExit(f"the checks of external sources need Debian's package {package}: apt-get install {package}")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    # no service is started: the checks start their own servers
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        for command in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "-y", "--no-install-recommends", "install", package]):
            done = subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode != 0:
                raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}")
    finally:
        if ours:
            policy.unlink(missing_ok=True)
    if not is_there():
        raise SystemExit(f"package {package} is installed and yet what is needed of it is not there")


def as_user(user, command):
    """The command as that user when this is root, who may not run database servers."""
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *command] if os.geteuid() == 0 else command


def own_folder(user, prefix):
    """A new folder that belongs to the user whom a server runs as."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(folder, user, user)
    return folder
