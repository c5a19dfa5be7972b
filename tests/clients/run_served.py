#!/usr/bin/env python3
"""Runs a command in a folder against a server of its own; {port} in the command is the server's.

    run_served.py EVERVIEW FOLDER COMMAND ...
"""

import subprocess
import sys

from serving import serving

if __name__ == "__main__":
    everview, folder, *command = sys.argv[1:]
    with serving(everview) as port:
        sys.exit(subprocess.run([word.replace("{port}", str(port)) for word in command], cwd=folder).returncode)
