#!/usr/bin/env python3
"""Sources elsewhere, each a real server on an ephemeral port: what comes from them, and what goes wrong with them.

    external.py EVERVIEW [SOURCE ...] [--only WORD]

Servers are Debian's packages (root installs what is missing, others are told what to install), and moto from PyPI, kept in
a cache. The last line is `N passed, N failed`.
"""

import argparse
import importlib
import sys
import traceback
from pathlib import Path

# Each is a file check_NAME.py with `sources()`, a context manager that gives what its checks take besides the server of
# Everview, and `CHECKS`.
SOURCES = ["http", "s3", "postgresql", "mysql"]

sys.path.insert(0, str(Path(__file__).resolve().parent))
from frame import Everview  # noqa: E402


def run(name, program, only):
    """The checks of one source; how many passed and failed."""
    print(f"--- {name}", flush=True)
    module = importlib.import_module(f"check_{name}")
    try:
        with module.sources() as given:
            everview = Everview(program)
            try:
                return module.CHECKS.run(only, everview, *given)
            finally:
                everview.remove()
    except (Exception, SystemExit):
        print(f"FAIL {name} cannot be tried", flush=True)
        traceback.print_exc()
        return 0, 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("everview")
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help=", ".join(SOURCES))
    parser.add_argument("--only")
    given = parser.parse_args()
    if unknown := [name for name in given.sources if name not in SOURCES]:
        parser.error(f"no source {', '.join(unknown)}: there are {', '.join(SOURCES)}")
    counts = [run(name, given.everview, given.only) for name in given.sources or SOURCES]
    passed, failed = (sum(count[at] for count in counts) for at in (0, 1))
    print(f"{passed} passed, {failed} failed", flush=True)
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
