"""The real ClickHouse engine in this process (chdb-core), told what to run by lines of JSON on standard input.

{"sql": …}                    one statement; answers {"seconds": …, "text": …} or {"error": …}
{"sql": [ … ]}                several, timed one by one; answers {"seconds": [ … ], "text": the last one's}
"sync": true                  the disk's caches are written before the clock stops
"""
import json
import os
import sys
import time

from chdb import session

engine = session.Session(sys.argv[1])
engine.query("SET implicit_select = 0")
print(json.dumps({"version": str(engine.query("SELECT version()", "TabSeparated")).strip()}), flush=True)

for line in sys.stdin:
    request = json.loads(line)
    statements = request["sql"]
    is_one = isinstance(statements, str)
    seconds, text = [], ""
    try:
        for statement in [statements] if is_one else statements:
            started = time.perf_counter()
            text = str(engine.query(statement, "TabSeparated"))
            if request.get("sync"):
                os.sync()
            seconds.append(time.perf_counter() - started)
        print(json.dumps({"seconds": seconds, "text": text}), flush=True)
    except Exception as error:
        print(json.dumps({"error": str(error)}), flush=True)
