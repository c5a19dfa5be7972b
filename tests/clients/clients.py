#!/usr/bin/env python3
"""Real clients against `everview server`: clickhouse-connect (Python), @clickhouse/client (JavaScript), clickhouse (Rust).

    clients.py EVERVIEW

They are installed once, in the versions of requirements.txt, package-lock.json and Cargo.lock, under
${EVERVIEW_CACHE:-~/.cache/everview}/clients. What cannot be installed is a failure: a client that was not tried is one
that may not work.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("EVERVIEW_CACHE") or Path.home() / ".cache" / "everview") / "clients"


def folder_for(name, *sources):
    """A folder of the cache for what these files pin, and whether it is complete."""
    digest = hashlib.sha256(b"".join(Path(source).read_bytes() for source in sources)).hexdigest()[:16]
    folder = CACHE / f"{name}-{digest}"
    return folder, (folder / "complete").exists()


def python():
    """The interpreter of an environment with clickhouse-connect."""
    requirements = HERE / "requirements.txt"
    folder, complete = folder_for(f"python{sys.version_info.major}.{sys.version_info.minor}", requirements)
    interpreter = folder / "bin" / "python"
    if not complete:
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        subprocess.run([interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "-r", requirements], check=True)
        (folder / "complete").touch()
    return interpreter


def node():
    """Puts Node.js on the PATH where the machine has none: PyPI carries it too."""
    if shutil.which("node") and shutil.which("npm"):
        return
    requirements = HERE / "requirements-node.txt"
    folder, complete = folder_for("node", requirements)
    if not complete:
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--no-deps", "-r", requirements], check=True)
        (folder / "complete").touch()
    os.environ["PATH"] = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"


def javascript():
    """A folder with the test and @clickhouse/client beside it."""
    node()
    package, lock, script = (HERE / name for name in ("package.json", "package-lock.json", "test_javascript.mjs"))
    folder, complete = folder_for("javascript", package, lock)
    if not complete:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(package, folder)
        shutil.copy(lock, folder)
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
        (folder / "complete").touch()
    shutil.copy(script, folder)
    return folder


def rust():
    """The program that tests the Rust client, built."""
    target = CACHE / "rust"
    environment = dict(os.environ, CARGO_TARGET_DIR=str(target))
    subprocess.run(["cargo", "build", "--quiet", "--locked", "--manifest-path", HERE / "rust" / "Cargo.toml"],
                   env=environment, check=True)
    return target / "debug" / "everview-client-test"


def run(command):
    """Runs the checks of one client; returns how many passed and failed."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = done.stdout.rstrip().split("\n")
    print("\n".join(lines[:-1]), flush=True)
    counted = re.fullmatch(r"(\d+) passed, (\d+) failed", lines[-1])
    if not counted:
        print(lines[-1])
        return 0, 1
    return int(counted[1]), int(counted[2])


def main(everview):
    passed = failed = 0
    for name, command in [
        ("clickhouse-connect", lambda: [python(), HERE / "test_python.py", everview]),
        ("@clickhouse/client", lambda: [sys.executable, HERE / "run_served.py", everview, javascript(), "node",
                                        "test_javascript.mjs", "{port}"]),
        ("clickhouse (Rust)", lambda: [sys.executable, HERE / "run_served.py", everview, HERE, rust(),
                                       "http://127.0.0.1:{port}"]),
    ]:
        print(f"--- {name}", flush=True)
        try:
            counts = run(command())
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"FAIL {name} cannot be tried: {error}")
            counts = 0, 1
        passed, failed = passed + counts[0], failed + counts[1]
    print(f"{passed} passed, {failed} failed", flush=True)
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
