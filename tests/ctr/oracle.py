"""The click-through pipeline computed the simple way, from the rules alone: no engine, no batches, one event after another.

Used by test_ctr.py; by hand: python3 tests/ctr/oracle.py events.ndjson
"""

import json
import sys

WINDOW_MS = 10_000
DELAY_MS = 5_000
TIME_MAX_MS = 4_102_444_800_000  # the year 2100


def reason(event):
    """Why an object is no valid event; None when it is one. The first rule that is broken counts."""
    for name in ("event_id", "product_id"):
        value = event.get(name)
        if not isinstance(value, str) or value == "":
            return name
    if event.get("event_type") not in ("view", "click"):
        return "event_type"
    time = event.get("event_time")
    if isinstance(time, bool) or not isinstance(time, int) or not 0 <= time <= TIME_MAX_MS:
        return "event_time"
    return None


def parse(line):
    """The object of a line, or None."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


class Before:
    """What an input leaves to the next one into the same tables: ids, watermark, and the end of the last closed window."""

    def __init__(self):
        self.seen, self.watermark, self.closed_to = set(), None, None


def run(lines, before=None):
    """Rows of the base table (product, window start) -> (impressions, clicks), and the counts, both of these lines alone."""
    counts = {"read": 0, "rejected": {}, "duplicates": 0, "late": 0, "on_time": 0, "windows": 0}
    before = before or Before()
    seen, windows, watermark = before.seen, {}, before.watermark
    for line in lines:
        if not line.strip():
            continue
        counts["read"] += 1
        event = parse(line)
        why = "not_json" if event is None else reason(event)
        if why is not None:
            counts["rejected"][why] = counts["rejected"].get(why, 0) + 1
            continue
        if event["event_id"] in seen:
            counts["duplicates"] += 1
            continue
        seen.add(event["event_id"])
        time = event["event_time"]
        watermark = time - DELAY_MS if watermark is None else max(watermark, time - DELAY_MS)
        start = time - time % WINDOW_MS
        was_closed = before.closed_to is not None and start + WINDOW_MS <= before.closed_to
        if start + WINDOW_MS <= watermark or was_closed:
            counts["late"] += 1
            continue
        counts["on_time"] += 1
        row = windows.setdefault((event["product_id"], start), [0, 0])
        row[event["event_type"] == "click"] += 1
    counts["windows"] = len(windows)
    before.watermark = watermark
    before.closed_to = max([start + WINDOW_MS for _, start in windows] + [before.closed_to or 0])
    return {key: tuple(row) for key, row in windows.items()}, counts


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", errors="replace") as file:
        rows, totals = run(file)
    print(json.dumps(totals, sort_keys=True))
