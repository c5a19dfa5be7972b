#!/usr/bin/env python3
"""Runs test_javascript.mjs, which lies in a folder beside its packages, against a server of its own.

    run_javascript.py EVERVIEW FOLDER
"""

import subprocess
import sys

from serving import serving

if __name__ == "__main__":
    with serving(sys.argv[1]) as port:
        sys.exit(subprocess.run(["node", "test_javascript.mjs", str(port)], cwd=sys.argv[2]).returncode)
