#!/usr/bin/env python3
"""The commands as a user meets them: the real program, its output, its exit codes, signals, and everything that goes wrong.

    python3 tests/cli/test_cli.py BINARY [--only NAME]

`examples/ctr/events.ndjson` holds 154 events, some without a field, wrong, late or twice; the files in `data` hold the same.
The last line is `N passed, N failed`.
"""

import argparse
import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "ctr"))
import oracle  # noqa: E402

EXAMPLES = ROOT / "examples" / "ctr"
PIPELINE = EXAMPLES / "pipeline.sql"
EVENTS = EXAMPLES / "events.ndjson"
TIMEOUT_S = 120
LINE = re.compile(r"^(\d+) events · (\d+)/s · (\d+) windows closed · (\d+) late · (\d+) duplicates · (\d+) rejected · fresh: "
                  r"ctr_latest_view (?:empty|\d+ s), ctr_ml_view (?:empty|\d+ s)$")


class Skipped(Exception):
    """What this system cannot show."""


def one_sentence(done, *words):
    """The command failed and said why, in one line."""
    assert done.returncode == 1, f"exit {done.returncode}: {done.stderr} {done.stdout}"
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, f"not one line: {done.stderr}"
    for word in words:
        assert word in lines[0], f"{word!r} is not in: {lines[0]}"


def contents(folder):
    """Hashes of all files but the lock."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def damage(path):
    bytes_ = bytearray(path.read_bytes())
    middle = len(bytes_) // 2
    bytes_[middle] ^= 0xFF
    path.write_bytes(bytes_)


class Test:
    def __init__(self, binary, folder):
        self.binary, self.folder = str(Path(binary).resolve()), folder

    def run(self, *arguments, stdin=None, **options):
        return subprocess.run([self.binary, *map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT_S,
                              input=stdin, errors="replace", **options)

    def start(self, *arguments, **options):
        return subprocess.Popen([self.binary, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, **options)

    def ask(self, data, sql):
        done = self.run("local", "--data", data, "--format", "TSV", "-q", sql)
        assert done.returncode == 0, f"{sql}: {done.stderr}"
        return [line.split("\t") for line in done.stdout.splitlines()]

    def take(self, path, data, **options):
        done = self.run("run", PIPELINE, "--input", path, "--data", data, "--json", **options)
        assert done.returncode == 0, f"exit {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    def port(self, process):
        """The port that a server prints first."""
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, f"no port in {line!r}: {process.stderr.read() if process.poll() is not None else ''}"
        return int(found[1])

    def post(self, port, text):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=text.encode())
        return urllib.request.urlopen(request, timeout=TIMEOUT_S).read().decode()

    def counted(self, name):
        """The answer to the events of that file, whatever its format."""
        _, expected = oracle.run(EVENTS.read_text().splitlines())
        data = self.folder / f"data-{name}"
        places = [folder / name for folder in (EXAMPLES, HERE / "data", self.folder)]
        got = self.take(next(place for place in places if place.exists()), data)
        assert {key: got[key] for key in expected} == expected, f"{got}, expected {expected}"
        return data

    # the demo

    def demo_says_a_line_a_second_and_answers_four_questions(self):
        done = self.run("demo", "--seconds", "3", "--rate", "3000", "--http-port", "0")
        assert done.returncode == 0 and not done.stderr, done.stderr
        first, *rest = done.stdout.splitlines()
        assert re.fullmatch(r"everview serves the demo at http://127\.0\.0\.1:[1-9]\d*", first), first
        lines = [line for line in rest if " events · " in line]
        assert 2 <= len(lines) <= 5 and all(LINE.match(line) for line in lines), lines
        events, _, windows, _, duplicates, rejected = map(int, LINE.match(lines[-1]).groups())
        assert events == 9000 and windows > 0 and duplicates > 0 and rejected > 0, lines[-1]
        assert len(re.findall(r"^[\d.]+ ms$", done.stdout, re.M)) == 4, done.stdout
        assert "no rows" not in done.stdout, done.stdout

    def a_demo_that_ends_has_closed_its_windows(self):
        data = self.folder / "ended"
        for demos in (1, 2):
            done = self.run("demo", "--events", "6000", "--data", data, "--http-port", "0")
            assert done.returncode == 0, done.stderr
            last = [line for line in done.stdout.splitlines() if LINE.match(line)][-1]
            events, _, _, late, duplicates, rejected = map(int, LINE.match(last).groups())
            # the second one has events of its own; those of windows that the first one closed are late
            assert events == 6000 and duplicates < 60, last
            on_time = 0 if demos == 1 else int(self.ask(data, "SELECT sum(impressions + clicks) FROM before")[0][0])
            on_time += events - late - duplicates - rejected
            got = int(self.ask(data, "SELECT sum(impressions + clicks) FROM ctr_results_raw")[0][0])
            assert got == on_time > 0, f"{got} of {on_time} events are in windows"
            if demos == 1:
                self.ask(data, "CREATE TABLE before ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM ctr_results_raw")

    def a_demo_that_is_stopped_goes_on_where_it_stood(self):
        data, on_time = self.folder / "stopped", 0
        for stop in (signal.SIGINT, signal.SIGTERM, None):
            length = ["--seconds", "2"] if stop is None else []
            process = self.start("demo", *length, "--rate", "500", "--data", data, "--http-port", "0")
            if stop is not None:
                self.port(process)
                time.sleep(2.2)
                process.send_signal(stop)
            output, errors = process.communicate(timeout=TIMEOUT_S)
            assert process.returncode == 0, f"exit {process.returncode}: {errors}"
            last = [line for line in output.splitlines() if LINE.match(line)][-1]
            events, _, _, late, duplicates, rejected = map(int, LINE.match(last).groups())
            on_time += events - late - duplicates - rejected
        got = int(self.ask(data, "SELECT sum(impressions + clicks) FROM ctr_results_raw")[0][0])
        assert got == on_time > 1000, f"{got} of {on_time} events are in windows"
        twice = self.ask(data, "SELECT count() FROM (SELECT product_id, window_start FROM ctr_results_raw "
                               "GROUP BY ALL HAVING count() > 1)")
        assert twice == [["0"]], "a window was closed twice"

    def a_demo_answers_over_http_meanwhile(self):
        process = self.start("demo", "--rate", "500", "--http-port", "0")
        try:
            port = self.port(process)
            process.stdout.readline()
            assert self.post(port, "SELECT count() FROM system.tables WHERE name = 'ctr_latest_view'") == "1\n"
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0

    # inputs

    def events_come_as_json_csv_or_parquet_packed_or_not(self):
        text = EVENTS.read_bytes()
        (self.folder / "events.jsonl.gz").write_bytes(gzip.compress(text))
        for name in ("events.ndjson", "events.ndjson.zst", "events.jsonl.gz", "events.parquet"):
            self.counted(name)
        good = [json.loads(line) for line in text.splitlines()]
        good = [event for event in good if oracle.reason(event) is None]
        names = list(good[0])
        csv = "".join(",".join(map(str, row)) + "\n" for row in [names, *([event[n] for n in names] for event in good)])
        (self.folder / "events.csv.gz").write_bytes(gzip.compress(csv.encode()))
        _, expected = oracle.run(map(json.dumps, good))
        got = self.take(self.folder / "events.csv.gz", self.folder / "data-csv")
        assert {key: got[key] for key in expected} == expected, f"{got}, expected {expected}"

    def events_come_from_standard_input_and_pipes(self):
        _, expected = oracle.run(EVENTS.read_text().splitlines())
        got = self.take("-", self.folder / "data-stdin", stdin=EVENTS.read_text())
        assert {key: got[key] for key in expected} == expected, got
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=lambda: pipe.write_bytes(EVENTS.read_bytes()))
        writer.start()
        got = self.take(pipe, self.folder / "data-pipe")
        writer.join()
        assert {key: got[key] for key in expected} == expected, got

    def a_run_that_waits_for_its_input_can_be_stopped(self):
        data = self.folder / "data-waits"
        process = self.start("run", PIPELINE, "--input", "-", "--data", data, stdin=subprocess.PIPE)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        output, errors = process.stdout.read(), process.stderr.read()
        assert process.returncode == 1 and "stopped before the end" in errors, f"{process.returncode} {output} {errors}"

    def what_is_no_event_is_a_dead_letter(self):
        good = EVENTS.read_text().splitlines()[0]
        rubbish = bytes(range(1, 256)).replace(b"\n", b"") * 40
        huge = b"x" * (100 << 20)
        path = self.folder / "odd.ndjson"
        path.write_bytes(b"\n".join([good.encode(), b"{", rubbish, b"", huge, good.encode().replace(b"4", b"\xff", 1), huge]))
        data = self.folder / "data-odd"
        got = self.take(path, data)
        assert got["read"] == 6 and got["rejected"] == {"not_json": 5} and got["on_time"] == 1, got
        letters = self.ask(data, "SELECT position, reason, length(raw) FROM events_dead ORDER BY position")
        assert [letter[0] for letter in letters] == ["2", "3", "4", "5", "6"], letters
        assert letters[2][2] == str(len(huge)), letters

    def an_empty_file_is_an_input(self):
        (self.folder / "empty.ndjson").touch()
        got = self.take(self.folder / "empty.ndjson", self.folder / "data-empty")
        assert got["read"] == 0 and got["windows"] == 0 and not got["was_complete"], got
        assert self.take(self.folder / "empty.ndjson", self.folder / "data-empty")["was_complete"]

    def what_is_no_input_is_refused(self):
        for path, words in ((self.folder / "none.ndjson", ["none.ndjson", "No such file"]),
                            (self.folder, ["folder"]),
                            (EVENTS.with_name("events.ndjson.lz4"), ["events.ndjson.lz4"]),
                            (PIPELINE, [".sql", ".ndjson", ".parquet"])):
            done = self.run("run", PIPELINE, "--input", path, "--data", self.folder / "data-none")
            one_sentence(done, *words)
            assert not (self.folder / "data-none").exists(), "a data folder was made for nothing"
        broken = self.folder / "broken.parquet"
        broken.write_bytes((HERE / "data" / "events.parquet").read_bytes()[:-20])
        one_sentence(self.run("run", PIPELINE, "--input", broken, "--data", self.folder / "data-broken"), "Parquet")
        packed = self.folder / "broken.ndjson.gz"
        packed.write_bytes(gzip.compress(EVENTS.read_bytes())[:-200])
        one_sentence(self.run("run", PIPELINE, "--input", packed, "--data", self.folder / "data-broken"), "whole")

    # statements

    def the_examples_run_verbatim(self):
        data = self.folder / "data-seed"
        for name in ("pipeline.sql", "seed.sql", "retention.sql", "queries.sql", "top.sql", "freshness.sql"):
            done = self.run("local", "--data", data, "--file", EXAMPLES / name)
            assert done.returncode == 0, f"{name}: {done.stderr}"
        tables = {row[0] for row in self.ask(data, "SHOW TABLES")}
        assert {"ctr_results_raw", "ctr_ml_view", "ctr_latest_view", "ctr_results", "latest_ctr"} <= tables, tables

    def the_shop_answers_what_the_real_engine_answers(self):
        """`examples/ecommerce` with fewer rows; `ecommerce.txt` is what ClickHouse 26.9 printed for the same files."""
        data, printed = self.folder / "data-shop", ""
        for name in ("summaries", "routes", "purchasers", "cancelled"):
            text = (ROOT / "examples" / "ecommerce" / f"{name}.sql").read_text()
            small = self.folder / f"{name}.sql"
            small.write_text(text.replace("numbers(20000000)", "numbers(100000)").replace("numbers(1000000)", "numbers(50000)"))
            done = self.run("local", "--data", data, "--format", "TSV", "--file", small)
            assert done.returncode == 0, f"{name}: {done.stderr}"
            printed += done.stdout
        expected = (HERE / "data" / "ecommerce.txt").read_text()
        differ = [pair for pair in zip(printed.splitlines(), expected.splitlines()) if pair[0] != pair[1]]
        assert printed == expected, f"first differences: {differ[:3]}"

    def a_wrong_statement_says_what_and_where(self):
        for sql, words in (("SELEC 1", ["Code: 62", "position 1", "SELECT", "SYNTAX_ERROR"]),
                           ("SELECT 1 SETTINGS max_thread = 1", ["Code: 115", "UNKNOWN_SETTING"]),
                           ("SELECT lenght('a')", ["Code: 46", "length"]),
                           ("SELECT nam FROM system.tables", ["Code: 47", "name"]),
                           ("SELECT 1 FROM system.table", ["Code: 60", "tables"])):
            one_sentence(self.run("local", "-q", sql), *words)

    def who_has_read_enough_is_no_error(self):
        process = self.start("local", "-q", "SELECT number FROM numbers(3000000)")
        assert process.stdout.readline() == "0\n"
        process.stdout.close()
        assert process.wait(TIMEOUT_S) == 0 and process.stderr.read() == ""

    # the server

    def a_server_that_is_told_to_end_keeps_every_acknowledged_row(self):
        for stop in (signal.SIGTERM, signal.SIGINT):
            data = self.folder / f"drained-{stop}"
            server = self.start("server", "--data", data, "--http-port", "0")
            port, acknowledged = self.port(server), []
            self.post(port, "CREATE TABLE t (writer UInt8, id UInt64) ENGINE = MergeTree ORDER BY id")
            writers = [threading.Thread(target=self.write, args=(port, writer, acknowledged)) for writer in range(3)]
            for writer in writers:
                writer.start()
            time.sleep(1)
            server.send_signal(stop)
            assert server.wait(60) == 0, server.stderr.read()
            for writer in writers:
                writer.join()
            kept = {tuple(map(int, row)) for row in self.ask(data, "SELECT writer, id FROM t")}
            lost = set(acknowledged) - kept
            assert acknowledged and not lost, f"{len(lost)} of {len(acknowledged)} acknowledged rows are lost"
            assert len(kept) - len(acknowledged) <= len(writers), "rows were kept that nobody was told of"

    def write(self, port, writer, acknowledged):
        for id_ in range(100_000):
            try:
                self.post(port, f"INSERT INTO t VALUES ({writer}, {id_})")
            except (urllib.error.URLError, OSError):
                return
            acknowledged.append((writer, id_))

    def a_port_in_use_is_said(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for arguments in (["server", "--data", self.folder / "data-port"], ["demo", "--seconds", "1"]):
                one_sentence(self.run(*arguments, "--http-port", port), f"port {port} is in use")

    def other_addresses_need_passwords(self):
        done = self.run("server", "--data", self.folder / "data-open", "--listen", "0.0.0.0", "--http-port", "0")
        one_sentence(done, "--password-file")

    def no_server_is_said(self):
        one_sentence(self.run("client", "--port", "1", "-q", "SELECT 1"), "no server answers at 127.0.0.1:1")

    # folders

    def made(self, name):
        data = self.folder / name
        self.ask(data, "CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id; INSERT INTO t VALUES (1), (2)")
        return data

    def refused(self, data, *words):
        """Every command refuses the folder and leaves it as it is."""
        before = contents(data)
        for command in (["local", "-q", "INSERT INTO t VALUES (3)"], ["server", "--http-port", "0"],
                        ["demo", "--seconds", "1", "--http-port", "0"], ["run", PIPELINE, "--input", EVENTS]):
            one_sentence(self.run(*command, "--data", data), str(data), *words)
            after = contents(data)
            changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
            assert not changed, f"{command[0]} changed the folder: {changed}"

    def a_folder_has_one_process(self):
        data = self.made("locked")
        server = self.start("server", "--data", data, "--http-port", "0")
        try:
            self.port(server)
            one_sentence(self.run("local", "--data", data, "-q", "SELECT 1"), str(server.pid))
            one_sentence(self.run("run", PIPELINE, "--input", EVENTS, "--data", data), str(server.pid))
        finally:
            server.kill()
            server.communicate()
        assert self.ask(data, "SELECT count() FROM t") == [["2"]], "the lock of a dead process holds"

    def a_newer_folder_is_refused(self):
        data = self.made("newer")
        path = data / "FORMAT"
        path.write_text(re.sub(r"\d+", lambda number: str(int(number[0]) + 1), path.read_text()))
        self.refused(data, "version 2")

    def a_broken_folder_is_refused(self):
        data = self.made("broken-checkpoint")
        for path in (data / "checkpoint").iterdir():
            damage(path)
        self.refused(data, "damaged")
        data = self.folder / "broken-log"
        server = self.start("server", "--data", data, "--http-port", "0")
        port = self.port(server)
        self.post(port, "CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id")
        for id_ in range(20):
            self.post(port, f"INSERT INTO t VALUES ({id_})")
        server.kill()
        server.communicate()
        for path in (data / "log").iterdir():
            damage(path)
        self.refused(data, "damaged")

    def a_file_is_no_folder(self):
        (self.folder / "file").write_text("x")
        one_sentence(self.run("local", "--data", self.folder / "file", "-q", "SELECT 1"), str(self.folder / "file"))

    def no_permission_is_said(self):
        data = self.made("closed")
        path = data
        user = {}
        if os.geteuid() == 0:
            binary = self.folder / "everview"
            if not binary.exists():
                shutil.copy(self.binary, binary)
            for folder in (self.folder, self.folder.parent):
                folder.chmod(0o755)
            user = {"user": 65534, "group": 65534, "extra_groups": []}
        data.chmod(0o500)
        before = contents(data)
        try:
            command = [str(self.folder / "everview") if user else self.binary, "local", "--data", str(path), "-q", "SELECT 1"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, **user)
        finally:
            data.chmod(0o700)
        one_sentence(done, str(data), "ermission")
        assert contents(data) == before

    def a_full_disk_ends_a_run_which_continues_when_there_is_space(self):
        disk = self.folder / "disk"
        disk.mkdir()
        lines = [json.dumps(dict(json.loads(EVENTS.read_text().splitlines()[0]), event_id=str(n), event_time=n * 10))
                 for n in range(120_000)]
        path = self.folder / "many.ndjson"
        path.write_text("\n".join(lines))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=66m", "tmpfs", disk], capture_output=True, text=True)
        if mounted.returncode != 0:
            raise Skipped(f"no right to mount: {mounted.stderr.strip()}")
        try:
            data = disk / "data"
            command = ["run", PIPELINE, "--input", path, "--data", data, "--batch-rows", "2000", "--json"]
            done = self.run(*command)
            one_sentence(done, "space")
            subprocess.run(["mount", "-o", "remount,size=300m", disk], check=True)
            got = json.loads(self.run(*command).stdout)
            _, expected = oracle.run(lines)
            assert {key: got[key] for key in expected} == expected, f"{got}, expected {expected}"
            assert 0 < got["resumed_at"] < len(lines), f"the disk was not full in the middle: {got}"
        finally:
            subprocess.run(["umount", disk], check=True)


HELPERS = {"run", "start", "ask", "take", "port", "post", "counted", "write", "made", "refused"}
CASES = [name for name in vars(Test) if not name.startswith("__") and name not in HELPERS]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--only", choices=CASES, action="append")
    options = parser.parse_args()
    names, failed, skipped = options.only or CASES, 0, 0
    with tempfile.TemporaryDirectory(prefix="everview-cli-") as folder:
        for name in names:
            case = Path(folder) / name
            case.mkdir()
            started = time.monotonic()
            try:
                getattr(Test(options.binary, case), name)()
                print(f"ok      {name} ({time.monotonic() - started:.1f} s)", flush=True)
            except Skipped as reason:
                skipped += 1
                print(f"skipped {name}: {reason}", flush=True)
            except (AssertionError, subprocess.SubprocessError, OSError, ValueError) as error:
                failed += 1
                print(f"FAILED  {name}: {error}", flush=True)
    print(f"{len(names) - failed - skipped} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
