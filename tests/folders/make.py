#!/usr/bin/env python3
"""Makes a small data folder with the program of today, to be kept when a format's version changes.

    tests/folders/make.py BINARY FOLDER

Every build opens every folder here and finds the same in it (`crates/simulator/tests/simulation/folders.rs`): rows in the
log, in a checkpoint and in part files, one with a projection, views, a window view with open windows, a token. Never make one again: it is kept
as the program of its day wrote it.
"""

import re
import subprocess
import sys
import urllib.parse
import urllib.request

STATEMENTS = [
    "CREATE TABLE events (k UInt32, v Int64, s String, PROJECTION p (SELECT k, sum(v), count() GROUP BY k)) "
    "ENGINE = MergeTree PARTITION BY k % 2 ORDER BY k",
    "CREATE MATERIALIZED VIEW sums ENGINE = AggregatingMergeTree ORDER BY k AS SELECT k, sumState(v) AS total, "
    "uniqExactState(s) AS u FROM events GROUP BY k",
    "CREATE TABLE results (p String, n UInt64, start DateTime('UTC')) ENGINE = MergeTree ORDER BY (start, p)",
    "CREATE TABLE clicks (p String, at DateTime('UTC')) ENGINE = Null",
    "CREATE WINDOW VIEW windows TO results WATERMARK = INTERVAL '5' SECOND AS SELECT p, count() AS n, "
    "tumbleStart(w) AS start FROM clicks GROUP BY p, tumble(at, INTERVAL '10' SECOND) AS w",
    # merged parts are files
    "INSERT INTO events SELECT number % 100, number, toString(number) FROM numbers(2000)",
    "OPTIMIZE TABLE events FINAL",
    "INSERT INTO clicks VALUES ('a', '2025-11-22 00:00:01'), ('b', '2025-11-22 00:00:02'), ('a', '2025-11-22 00:00:12')",
]
# after a restart, whose end wrote a checkpoint: these stay in the log
MORE = [
    "INSERT INTO events SETTINGS insert_deduplication_token = 'once' VALUES (1000, -1, 'last')",
    "INSERT INTO clicks VALUES ('a', '2025-11-22 00:00:13')",
]


def run(binary, folder, statements, end):
    """Starts the server, runs the statements, ends it: by SIGTERM, or by SIGKILL so that the log stays as it is."""
    server = subprocess.Popen([binary, "server", "--data", folder, "--http-port", "0"], stdout=subprocess.PIPE, text=True)
    port = re.search(r":(\d+)$", server.stdout.readline().strip())[1]
    for statement in statements:
        url = f"http://127.0.0.1:{port}/?" + urllib.parse.urlencode({"query": statement})
        urllib.request.urlopen(urllib.request.Request(url, data=b"", method="POST")).read()
    getattr(server, end)()
    server.wait()


def main():
    binary, folder = sys.argv[1:]
    run(binary, folder, STATEMENTS, "terminate")
    run(binary, folder, MORE, "kill")


if __name__ == "__main__":
    main()
