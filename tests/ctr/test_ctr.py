#!/usr/bin/env python3
"""The golden run of the click-through pipeline: `everview run` against a simple computation, exactly.

    python3 tests/ctr/test_ctr.py BINARY [--events N] [--kills N] [--seed N]

Events are generated here (not by the binary), in all the ways that lines are wrong. Compared are the base table, both
views, dead letters with reason and position, and every count; in batches of 7 and of 100,000, with one thread and two,
from NDJSON, gzip and CSV, and over runs that are killed at random and continued.
The last line is `N passed, N failed`.
"""

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import oracle  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = ROOT / "examples" / "ctr" / "pipeline.sql"
START_MS = 1_763_600_000_000
TIMEOUT_S = 300


def event(random_, time_ms):
    return {
        "event_id": str(uuid.UUID(int=random_.getrandbits(128), version=4)),
        "product_id": f"product-{min(int(random_.paretovariate(0.7)), 200)}",
        "user_id": f"user-{random_.randrange(5000)}",
        "event_type": "click" if random_.random() < 0.15 else "view",
        "event_time": time_ms,
    }


def broken(random_, good):
    """A line that is no valid event."""
    bad = dict(good)
    way = random_.randrange(14)
    if way == 0:
        return json.dumps(good)[: random_.randrange(1, 60)]
    if way == 1:
        return random_.choice(['"text"', "17", "null", "[1, 2]", "{", "not json at all", "{}}"])
    if way == 2:
        bad["event_id"] = ""
    elif way == 3:
        del bad["event_id"]
        bad["event_time"] = -5
    elif way == 4:
        bad["event_id"] = 17
    elif way == 5:
        bad["product_id"] = None
    elif way == 6:
        del bad["product_id"]
        bad["event_type"] = "buy"
    elif way == 7:
        bad["event_type"] = random_.choice(["", "View", "impression", None, 1])
    elif way == 8:
        bad["event_time"] = str(good["event_time"])
    elif way == 9:
        bad["event_time"] = good["event_time"] + 0.5
    elif way == 10:
        bad["event_time"] = random_.choice([-1, oracle.TIME_MAX_MS + 1, 10**30])
    elif way == 11:
        del bad["event_time"]
    elif way == 12:
        bad["event_time"] = None
    else:
        bad["product_id"] = ["product-1"]
    return json.dumps(bad)


def generate(seed, count):
    """Lines in order of arrival: up to 5 s out of order, some very late, wrong, repeated, or blank."""
    random_ = random.Random(seed)
    lines, good = [], []
    for number in range(count):
        now_ms = START_MS + number * 20
        fate = random_.random()
        if fate < 0.01 and good:
            lines.append(random_.choice(good[-2000:]))
            continue
        behind_ms = random_.randrange(60_000, 600_000) if random_.random() < 0.01 else random_.randrange(5_001)
        made = event(random_, now_ms - behind_ms)
        if fate < 0.05:
            lines.append(broken(random_, made))
        elif fate < 0.055:
            lines.append("" if fate < 0.0525 else "  ")
        elif fate < 0.06:
            # valid: what the rules do not name may be missing, of another type, or more
            made["extra"] = {"nested": [1, None]}
            made.pop("user_id")
            lines.append(json.dumps(made))
        else:
            lines.append(json.dumps(made))
            good.append(lines[-1])
    return lines


class Run:
    """The binary over one data folder."""

    def __init__(self, binary, data):
        self.binary, self.data = binary, str(data)

    def command(self, path, batch_rows, threads=2):
        return [self.binary, "run", str(PIPELINE), "--input", str(path), "--data", self.data, "--json",
                "--batch-rows", str(batch_rows), "--threads", str(threads)]

    def counts(self, path, batch_rows, threads=2):
        done = subprocess.run(self.command(path, batch_rows, threads), capture_output=True, text=True, timeout=TIMEOUT_S)
        assert done.returncode == 0, f"exit {done.returncode}: {done.stderr.strip()}"
        return json.loads(done.stdout.strip().splitlines()[-1])

    def killed(self, path, batch_rows, after_s):
        """Starts a run and kills it; True when it was still running."""
        process = subprocess.Popen(self.command(path, batch_rows), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(after_s)
            return False
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True

    def query(self, sql):
        done = subprocess.run([self.binary, "local", "--data", self.data, "--format", "TSV", "-q", sql],
                              capture_output=True, text=True, timeout=TIMEOUT_S)
        assert done.returncode == 0, f"{sql}: {done.stderr.strip()}"
        return [line.split("\t") for line in done.stdout.splitlines()]


def check_counts(counts, expected):
    got = {name: counts[name] for name in expected}
    assert got == expected, f"counts: {got}, expected {expected}"


def ctr(impressions, clicks):
    return clicks / impressions if impressions else 0.0


def check_tables(run, rows):
    got = {}
    sql = ("SELECT product_id, toUnixTimestamp64Milli(window_start), toUnixTimestamp64Milli(window_end), impressions, clicks, "
           "ctr FROM ctr_results_raw")
    for product, start, end, impressions, clicks, rate in run.query(sql):
        key = (product, int(start))
        assert key not in got, f"window {key} was emitted twice"
        assert int(end) == int(start) + oracle.WINDOW_MS, f"end of {key}"
        got[key] = (int(impressions), int(clicks))
        assert float(rate) == ctr(*got[key]), f"ctr of {key}: {rate}"
    wrong = [(key, got.get(key), rows.get(key)) for key in sorted(got.keys() | rows.keys()) if got.get(key) != rows.get(key)]
    assert not wrong, f"{len(wrong)} rows differ (key, got, expected): {wrong[:3]}"
    check_minutes(run, rows)
    check_latest(run, rows)


def check_minutes(run, rows):
    expected = {}
    for (product, start), (impressions, clicks) in rows.items():
        minute = (start + oracle.WINDOW_MS) // 60_000 * 60
        sums = expected.setdefault((product, minute), [0, 0, 0, 0.0])
        for at, value in enumerate((impressions, clicks, 1, ctr(impressions, clicks))):
            sums[at] += value
    sql = ("SELECT product_id, toUnixTimestamp(window_minute), sumMerge(total_impr_state), sumMerge(total_clicks_state), "
           "countMerge(window_count_state), avgMerge(avg_ctr_state) FROM ctr_ml_view GROUP BY product_id, window_minute")
    got = {}
    for product, minute, impressions, clicks, count, mean in run.query(sql):
        got[product, int(minute)] = [int(impressions), int(clicks), int(count), float(mean)]
    assert got.keys() == expected.keys(), f"minutes differ: {sorted(got.keys() ^ expected.keys())[:3]}"
    for key, (impressions, clicks, count, total) in expected.items():
        assert got[key][:3] == [impressions, clicks, count], f"minute {key}: {got[key]}"
        # a sum of floats depends on its order
        assert abs(got[key][3] - total / count) < 1e-12, f"mean of {key}: {got[key]}"


def check_latest(run, rows):
    expected = {}
    for (product, start), row in rows.items():
        expected[product] = max(expected.get(product, (0, (0, 0))), (start + oracle.WINDOW_MS, row))
    sql = ("SELECT product_id, toUnixTimestamp64Milli(latest_window_end), latest_impressions, latest_clicks "
           "FROM ctr_latest_view FINAL")
    got = {product: (int(end), (int(seen), int(clicked))) for product, end, seen, clicked in run.query(sql)}
    assert got == expected, "the newest windows differ"


def check_letters(run, lines):
    """Dead letters: position among the lines that are not blank, from 1, and reason."""
    expected = []
    position = 0
    for line in lines:
        if not line.strip():
            continue
        position += 1
        parsed = oracle.parse(line)
        why = "not_json" if parsed is None else oracle.reason(parsed)
        if why is not None:
            expected.append((position, why))
    got = sorted((int(position), why) for position, why in run.query("SELECT position, reason FROM events_dead"))
    if got != sorted(expected):
        extra = sorted(set(got) - set(expected))[:3]
        missing = sorted(set(expected) - set(got))[:3]
        raise AssertionError(f"dead letters: {len(got)}, expected {len(expected)}; extra {extra}, missing {missing}")


class Test:
    def __init__(self, binary, folder, options):
        self.binary, self.folder = binary, folder
        self.lines = generate(options.seed, options.events)
        self.few = self.lines[: max(2000, options.events // 20)]
        self.options = options

    def write(self, name, lines):
        path = self.folder / name
        text = "".join(line + "\n" for line in lines)
        if name.endswith(".gz"):
            path.write_bytes(gzip.compress(text.encode()))
        else:
            path.write_text(text, encoding="utf-8")
        return path

    def whole(self, name, lines, batch_rows, threads):
        run = Run(self.binary, self.folder / f"data-{name}-{batch_rows}-{threads}")
        path = self.write(name, lines)
        rows, expected = oracle.run(lines)
        assert min(expected[name] for name in ("duplicates", "late", "on_time", "windows")) > 0, "nothing is proved"
        check_counts(run.counts(path, batch_rows, threads), expected)
        check_tables(run, rows)
        check_letters(run, lines)
        again = run.counts(path, batch_rows, threads)
        check_counts(again, expected)
        assert again["was_complete"], "the second run does not know that the input is complete"
        check_tables(run, rows)

    def one_batch(self):
        self.whole("all.ndjson", self.lines, 100_000, 2)

    def one_thread(self):
        self.whole("all.ndjson", self.lines, 100_000, 1)

    def batches_of_7(self):
        self.whole("few.ndjson", self.few, 7, 2)

    def batches_of_7_one_thread(self):
        self.whole("few.ndjson", self.few, 7, 1)

    def gzip(self):
        self.whole("few.ndjson.gz", self.few, 1_000, 2)

    def csv(self):
        """CSV knows no types: only what can be said in it."""
        events = [json.loads(line) for line in self.few if oracle.parse(line) and not oracle.reason(json.loads(line))]
        names = ["event_id", "product_id", "user_id", "event_type", "event_time"]
        lines = [",".join(names)] + [",".join(str(event.get(name, "")) for name in names) for event in events]
        run = Run(self.binary, self.folder / "data-csv")
        rows, expected = oracle.run([json.dumps(event) for event in events])
        check_counts(run.counts(self.write("events.csv", lines), 1_000), expected)
        check_tables(run, rows)

    def two_inputs(self):
        """A second input continues ids and watermark of the first; the counts are those of each input alone."""
        half = len(self.few) // 2
        # the second begins with lines that the first had
        first, second = self.few[:half], self.few[half - 50:]
        before = oracle.Before()
        rows, expected_first = oracle.run(first, before)
        more, expected_second = oracle.run(second, before)
        assert expected_second["duplicates"] >= 40 and expected_second["late"] > 0, "the second input proves nothing"
        random_ = random.Random(self.options.seed)
        for name, kills in (("whole", 0), ("killed", 4)):
            run = Run(self.binary, self.folder / f"data-two-{name}")
            paths = [self.write("first.ndjson", first), self.write("second.ndjson", second)]
            for path, expected in zip(paths, (expected_first, expected_second)):
                for _ in range(kills):
                    run.killed(path, 7, random_.uniform(0.1, 0.6))
                check_counts(run.counts(path, 500), expected)
            check_tables(run, rows | more)
            check_counts(run.counts(paths[0], 500), expected_first)
            check_counts(run.counts(paths[1], 500), expected_second)

    def rewritten(self):
        """A file that was complete and is written anew under its name is another input, with counts of its own."""
        half = len(self.few) // 2
        before = oracle.Before()
        run = Run(self.binary, self.folder / "data-rewritten")
        for lines in (self.few[:half], self.few[half:]):
            _, expected = oracle.run(lines, before)
            check_counts(run.counts(self.write("again.ndjson", lines), 500), expected)

    def killed(self):
        rows, expected = oracle.run(self.lines)
        path = self.write("killed.ndjson", self.lines)
        random_ = random.Random(self.options.seed)
        run = Run(self.binary, self.folder / "data-killed")
        started = time.monotonic()
        Run(self.binary, self.folder / "data-timed").counts(path, 500)
        whole_s = time.monotonic() - started
        kills = 0
        for _ in range(self.options.kills):
            kills += run.killed(path, random_.choice([7, 100, 500]), random_.uniform(0.02, max(0.1, whole_s / 2)))
        check_counts(run.counts(path, 500), expected)
        check_tables(run, rows)
        check_letters(run, self.lines)
        assert kills > 0, "no run was killed"
        print(f"    {kills} runs were killed", flush=True)


CASES = ["one_batch", "one_thread", "batches_of_7", "batches_of_7_one_thread", "gzip", "csv", "two_inputs", "rewritten",
         "killed"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=CASES, action="append")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="everview-ctr-") as folder:
        test = Test(options.binary, Path(folder), options)
        names = options.only or CASES
        for name in names:
            started = time.monotonic()
            try:
                getattr(test, name)()
                print(f"ok      {name} ({time.monotonic() - started:.1f} s)", flush=True)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAILED  {name}: {error}", flush=True)
    if failed:
        print(f"again: python3 tests/ctr/test_ctr.py {options.binary} --seed {options.seed} --events {options.events}")
    print(f"{len(names) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
