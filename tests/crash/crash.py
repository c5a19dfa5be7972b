#!/usr/bin/env python3
"""Kills the real server again and again, and looks whether it kept its promises.

    tests/crash/crash.py BINARY [--rounds N] [--seconds N] [--seed N] [--keep]

A round: start the server, insert from several connections while tables are merged, rows changed and deleted and backups
taken, `kill -9` 50 ms to 3 s after the start. Some rounds kill so early that the server is still recovering; some as soon as a
checkpoint is being written, for which the log is kept short; some just after a refresh was asked for, in the middle of its
run or its swap; some ask the server to end (SIGTERM) and kill it while it
writes its last one. Then start it once more and compare what it answers with what it acknowledged:

    every acknowledged insert is whole; every other one is whole or absent, and stays so for good;
    what was deleted is gone; of a delete without an answer, all rows are gone or none;
    every view equals its query over the base table;
    an acknowledged backup restores to what was acknowledged before it, whole, with views that equal their queries;
    one that was killed is refused, or as good as an acknowledged one, and never half restored.
    each content of a refreshable view is of one refresh and whole; APPEND INCREMENTAL takes every row exactly once.

Batches have unique ids, so a row tells its insert. Everything random comes from the seed, but the moment at which the
process dies does not repeat. Fails at the first broken promise and leaves the data folder for a look. Needs Python only.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from served import UNANSWERED, Broken, Client, Refused, Server
from workers import LARGE_ROWS, ROWS_OF_INSERT, back_up, delete, merge, write

WRITERS = 4
# Beyond so many rows a new folder is begun: the comparisons would take longer than the kills.
FOLDER_ROWS_MAX = 300_000
# How many rounds are killed when a checkpoint is seen, at the latest so long after the start.
AIMED_SHARE, AIM_MAX_S = 0.2, 2.5
# How many rounds are killed while a refresh runs or swaps, at the latest so long after it was asked for.
SWAP_SHARE, SWAP_MAX_S = 0.15, 0.06
# How many rounds take backups, and how many of the acknowledged ones are restored.
BACKUP_SHARE, RESTORE_SHARE = 0.35, 0.7
# How long such a round waits for one to be acknowledged, when it waits.
BACKUP_MAX_S = 10
# Code of an error that says that there is no such backup.
NO_BACKUP = "599"
# A round is killed 50 ms to 3 s after its start, mostly early: the mean of what is added to the 50 ms.
KILL_MEAN_S = 0.7

SCHEMA = [
    """CREATE TABLE base (batch UInt64, row UInt32, k UInt32, v Int64, pad String)
       ENGINE = MergeTree PARTITION BY k % 3 ORDER BY (k, batch)
       SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1""",
    """CREATE MATERIALIZED VIEW per_key ENGINE = AggregatingMergeTree ORDER BY k AS
       SELECT k, countState() AS n, sumState(v) AS total, maxState(v) AS top, uniqExactState(batch) AS batches
       FROM base GROUP BY k""",
    """CREATE MATERIALIZED VIEW latest ENGINE = ReplacingMergeTree(version) ORDER BY k AS
       SELECT k, batch * 100000 + row AS version, v FROM base""",
    # rows are deleted from this one only: a view keeps what was deleted from its base
    """CREATE TABLE notes (batch UInt64, row UInt32, k UInt32, v Int64, pad String) ENGINE = MergeTree ORDER BY batch""",
    """CREATE MATERIALIZED VIEW swapped REFRESH EVERY 1 SECOND SETTINGS keep_generations = 2 ENGINE = MergeTree ORDER BY n AS
       SELECT number AS n, toUnixTimestamp64Micro(now64(6)) AS stamp, (SELECT count() FROM base) AS seen FROM numbers(3000)""",
    """CREATE MATERIALIZED VIEW fed REFRESH EVERY 1 SECOND APPEND INCREMENTAL ENGINE = MergeTree ORDER BY (batch, row) AS
       SELECT batch, row, v FROM base""",
]

# A view as it answers, and its query over the base table.
VIEWS = {
    "per_key": (
        "SELECT k, countMerge(n), sumMerge(total), maxMerge(top), uniqExactMerge(batches) FROM per_key GROUP BY k ORDER BY k",
        "SELECT k, count(), sum(v), max(v), uniqExact(batch) FROM base GROUP BY k ORDER BY k",
    ),
    "latest": (
        "SELECT k, version, v FROM latest FINAL ORDER BY k",
        "SELECT k, max(batch * 100000 + row), argMax(v, batch * 100000 + row) FROM base GROUP BY k ORDER BY k",
    ),
}

# A content of `swapped`: of one refresh, and all of it.
CONTENT = "SELECT count(), uniqExact(stamp), uniqExact(n) FROM swapped"
NONE, WHOLE = (0, 0, 0), (3000, 1, 3000)
# What `fed` took, each row exactly once.
TAKEN = "SELECT count(), uniqExact((batch, row)), sum(v) FROM {}"

TABLES = ["base", "notes"]

# What the workers of a round count.
COUNTED = ["acknowledged", "merges", "updates", "killed_merging", "deletes", "killed_deleting", "backups",
           "killed_backing_up"]


def batches(table):
    """Batch, its rows, their sum, and how many different ones."""
    return f"SELECT batch, count(), sum(v), uniqExact(row) FROM {table} GROUP BY batch"


class Ledger:
    """What was sent into a table, and what is known about it. Batch id -> (rows, sum of v)."""

    def __init__(self, table):
        self.table = table
        self.lock = threading.Lock()
        self.next_batch = 1
        self.sent, self.kept, self.open, self.absent = {}, {}, {}, {}
        self.deleting = {}
        self.faults = []

    def begin(self, make):
        """Takes an id, remembers the batch as sent, and returns (id, body)."""
        with self.lock:
            batch = self.next_batch
            self.next_batch += 1
            body, rows, total = make(batch)
            self.sent[batch] = self.open[batch] = (rows, total)
        return batch, body

    def begin_delete(self, rng):
        """One of the newest batches, whose delete is about to be sent; none when there is none."""
        with self.lock:
            newest = sorted(self.kept)[-50:]
            if not newest:
                return None
            batch = rng.choice(newest)
            self.deleting[batch] = self.kept.pop(batch)
            return batch

    def deleted(self, batch):
        with self.lock:
            self.absent[batch] = self.deleting.pop(batch)

    def promise(self):
        """What a backup that begins now must have, and what it must not have."""
        with self.lock:
            return dict(self.kept), set(self.absent)

    def acknowledge(self, batch):
        with self.lock:
            self.kept[batch] = self.open.pop(batch)

    def fault(self, what):
        with self.lock:
            self.faults.append(what)

    def settle(self, found):
        """Holds what the table has against what was promised; `found`: batch -> (rows, sum, distinct rows)."""
        if self.faults:
            raise Broken(self.faults[0])
        for batch, (rows, total) in self.kept.items():
            if found.get(batch) != (rows, total, rows):
                raise Broken(f"{self.table}: batch {batch} was acknowledged with {(rows, total, rows)} and is "
                             f"{found.get(batch)}")
        for batch in found:
            if batch in self.absent:
                raise Broken(f"{self.table}: batch {batch} was absent after its kill, or deleted, and is there now")
            if batch not in self.sent:
                raise Broken(f"{self.table}: batch {batch} was never sent")
        for batch, (rows, total) in [*self.open.items(), *self.deleting.items()]:
            if batch not in found:
                self.absent[batch] = (rows, total)
            elif found[batch] == (rows, total, rows):
                self.kept[batch] = (rows, total)
            else:
                raise Broken(f"{self.table}: batch {batch} was left in the middle, had {(rows, total, rows)} and is "
                             f"{found[batch]}")
        self.open, self.deleting = {}, {}

    def judge_backup(self, found, promised, gone):
        """Holds what a backup has against what was promised when it began."""
        for batch, (rows, total) in promised.items():
            # deleted while the backup was made: it may have it or not
            if batch in self.kept and found.get(batch) != (rows, total, rows):
                raise Broken(f"a backup has {found.get(batch)} of batch {batch} of {self.table}, {(rows, total, rows)} were "
                             "acknowledged before it")
        for batch, there in found.items():
            rows, total = self.sent.get(batch, (0, 0))
            if there != (rows, total, rows) or batch in gone:
                raise Broken(f"a backup has {there} of batch {batch} of {self.table}, sent were {(rows, total, rows)}, "
                             f"deleted or absent before it: {batch in gone}")


def found_in(client, table):
    """Batch -> (rows, sum, distinct rows)."""
    return {batch: (rows, total, distinct) for batch, rows, total, distinct in client.rows(batches(table))}


def check_views(client, where):
    """Every view is its query."""
    for name, (view, query) in VIEWS.items():
        ours, theirs = client.rows(view), client.rows(query)
        if ours != theirs:
            differ = [pair for pair in zip(ours, theirs) if pair[0] != pair[1]][:3]
            raise Broken(f"{where}: view {name} is not its query: {len(ours)} and {len(theirs)} rows, first differences "
                         f"{differ}")


def check_backups(binary, folder, log, ledgers, backups, totals):
    """Restores each backup into a folder of its own and compares."""
    for backup in backups:
        copy = folder.with_name("copy")
        server = Server(binary, copy, log, "--backups", str(folder / "backups"))
        try:
            server.wait_ready()
            check_backup(Client(server.port), backup, ledgers, totals)
        finally:
            server.kill()
        shutil.rmtree(copy)
    shutil.rmtree(folder / "backups", ignore_errors=True)


def check_backup(client, backup, ledgers, totals):
    """Restores a backup and compares, or sees that it is refused and nothing of it restored."""
    try:
        client.ask(f"RESTORE DATABASE default FROM File('{backup.name}')")
    except Refused as error:
        if backup.is_acknowledged or error.args[1] != NO_BACKUP:
            raise Broken(f"backup {backup.name}, acknowledged: {backup.is_acknowledged}, is refused: {error}") from error
        left = client.ask("SHOW TABLES")
        if left:
            raise Broken(f"a backup was refused and half restored: {left.split()}") from error
        totals["refused_backups"] += 1
        return
    for ledger, (promised, gone) in zip(ledgers, backup.promises):
        ledger.judge_backup(found_in(client, ledger.table), promised, gone)
    check_views(client, "a backup")
    totals["restored"] += 1


def check(binary, folder, log, ledgers):
    """Starts the server once more and compares; returns the rows of the base table."""
    server = Server(binary, folder, log)
    try:
        server.wait_ready()
        client = Client(server.port)
        found = [found_in(client, ledger.table) for ledger in ledgers]
        for ledger, there in zip(ledgers, found):
            ledger.settle(there)
        check_views(client, "the server")
        check_refreshed(client)
        return sum(rows for there in found for rows, _, _ in there.values())
    except UNANSWERED + (Refused,) as error:
        raise Broken(f"the server does not answer after a restart: {error!r}") from error
    finally:
        server.kill()


def check_refreshed(client):
    """Refreshable views: contents are whole, now and before; nothing is appended twice or lost."""
    contents = [client.rows(CONTENT)[0]]
    kept = int(client.ask("SELECT count() FROM system.view_generations WHERE view = 'swapped'"))
    contents += [client.rows(f"{CONTENT} GENERATION -{back}")[0] for back in range(1, kept)]
    if any(content not in (NONE, WHOLE) for content in contents):
        raise Broken(f"the contents of a refreshable view are not whole: {contents}")
    client.ask("SYSTEM REFRESH VIEW fed")
    client.ask("SYSTEM WAIT VIEW fed")
    taken, given = client.rows(TAKEN.format("fed")), client.rows(TAKEN.format("base"))
    if taken != given:
        raise Broken(f"APPEND INCREMENTAL took {taken} of {given}")


def create(binary, folder, log):
    """A new folder with the tables."""
    server = Server(binary, folder, log)
    try:
        server.wait_ready()
        client = Client(server.port)
        for statement in SCHEMA:
            client.ask(statement)
    finally:
        server.kill()


def sleep_until_a_checkpoint(server, folder):
    """Until one is being written, under another name first; or for a while."""
    checkpoints = Path(folder, "checkpoint")
    while time.monotonic() < server.started + AIM_MAX_S:
        if server.ready.is_set() and any(checkpoints.glob("*.tmp")):
            return
        time.sleep(0.001)


def sleep_into_a_refresh(server, rng):
    """Asks for a refresh and waits for a moment of it; false when the server is not that far."""
    while not server.ready.is_set() and time.monotonic() < server.started + AIM_MAX_S:
        time.sleep(0.002)
    if server.port is None:
        return False
    try:
        Client(server.port).ask("SYSTEM REFRESH VIEW swapped")
    except UNANSWERED:
        return False
    time.sleep(rng.uniform(0, SWAP_MAX_S))
    return True


def sleep_until_a_backup(server, counts):
    """Until one is acknowledged; or for a while."""
    while time.monotonic() < server.started + BACKUP_MAX_S and counts["backups"] == 0:
        time.sleep(0.005)


def round_of_kills(binary, folder, log, ledgers, rng, totals):
    """Start, write, kill; when it was killed while recovering, again. Returns backups to be looked at."""
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        early = Server(binary, folder, log)
        early.sleep_until(rng.uniform(0.01, 0.15))
        totals["killed_starting"] += not early.ready.is_set()
        early.kill()
    counts = dict.fromkeys(COUNTED, 0) | {"unanswered": 0, "ending": False}
    base, notes = ledgers
    backups = []
    server = Server(binary, folder, log)
    work = [(write, base, counts, [*ROWS_OF_INSERT, LARGE_ROWS])] * WRITERS
    work += [(write, notes, counts, ROWS_OF_INSERT), (merge, None, counts), (delete, notes, counts)]
    if rng.random() < BACKUP_SHARE:
        work.append((back_up, ledgers, counts, backups))
    tasks = []
    for what, on, *rest in work:
        own = random.Random(rng.random())
        arguments = [server, own, *rest] if on is None else [server, on, own, *rest]
        tasks.append(threading.Thread(target=what, args=arguments))
        tasks[-1].start()
    aim = rng.random()
    if aim < AIMED_SHARE:
        sleep_until_a_checkpoint(server, folder)
    elif aim < AIMED_SHARE + SWAP_SHARE:
        totals["killed_refreshing"] += sleep_into_a_refresh(server, rng)
    elif rng.random() < 0.5 and any(what is back_up for what, *_ in work):
        sleep_until_a_backup(server, counts)
        time.sleep(rng.uniform(0, 0.3))
    else:
        server.sleep_until(min(3.0, 0.05 + rng.expovariate(1 / KILL_MEAN_S)))
    ends = rng.random() < 0.2 and server.ready.is_set()
    if ends:
        counts["ending"] = True
        server.process.send_signal(signal.SIGTERM)
        time.sleep(rng.uniform(0.0, 0.3))
    died = server.kill()
    for task in tasks:
        task.join()
    if died is not None and not (ends and died == 0):
        raise Broken(f"the server ended by itself with exit code {died}")
    totals["killed_ending"] += ends and died is None
    # a checkpoint is written under another name first
    totals["killed_checkpointing"] += any(Path(folder, "checkpoint").glob("*.tmp"))
    totals["killed_starting"] += server.port is None
    for name in COUNTED:
        totals[name] += counts[name]
    totals["unanswered_requests"] += counts["unanswered"]
    totals["unanswered"] += 1 if counts["unanswered"] else 0
    answered = [backup for backup in backups if backup.is_acknowledged][-1:]
    return [backup for backup in backups if not backup.is_acknowledged] + answered * (rng.random() < RESTORE_SHARE)


def run(arguments, home):
    rng = random.Random(arguments.seed)
    totals = dict.fromkeys(["rounds", "unanswered", "unanswered_requests", "killed_starting", "killed_ending",
                            "killed_checkpointing", "killed_refreshing", "folders", "restored", "refused_backups", *COUNTED], 0)
    started = time.monotonic()
    folder = ledgers = None
    rows = 0
    with open(home / "server.log", "w") as log:
        while totals["rounds"] < arguments.rounds:
            if arguments.seconds and time.monotonic() - started >= arguments.seconds:
                break
            if folder is None or rows > FOLDER_ROWS_MAX:
                if folder:
                    shutil.rmtree(folder)
                totals["folders"] += 1
                folder, ledgers = home / f"data{totals['folders']}", [Ledger(table) for table in TABLES]
                create(arguments.binary, folder, log)
            backups = round_of_kills(arguments.binary, folder, log, ledgers, rng, totals)
            rows = check(arguments.binary, folder, log, ledgers)
            check_backups(arguments.binary, folder, log, ledgers, backups, totals)
            totals["rounds"] += 1
            if totals["rounds"] % 10 == 0:
                print(f"round {totals['rounds']}: {rows} rows in the folder, {totals['acknowledged']} inserts acknowledged",
                      flush=True)
    return totals


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seconds", type=float, help="no new round after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the data folder in any case")
    arguments = parser.parse_args()
    arguments.binary = str(Path(arguments.binary).resolve())
    home = Path(tempfile.mkdtemp(prefix="everview-crash-"))
    try:
        totals = run(arguments, home)
    except (Broken, Refused, *UNANSWERED) as error:
        print(f"FAILED (seed {arguments.seed}): {error}\nleft for a look: {home}")
        print((home / "server.log").read_text(errors="replace")[-2000:])
        print("0 passed, 1 failed")
        return 1
    print(f"{totals['rounds']} rounds, {totals['unanswered']} with an unanswered insert "
          f"({totals['unanswered_requests']} inserts); {totals['acknowledged']} inserts acknowledged, all whole; "
          f"{totals['merges']} merges asked for, {totals['updates']} updates and {totals['deletes']} deletes acknowledged, {totals['backups']} backups "
          f"acknowledged; {totals['restored']} restored and right, {totals['refused_backups']} half-written ones refused")
    print(f"killed while starting or recovering {totals['killed_starting']}, merging {totals['killed_merging']}, "
          f"deleting {totals['killed_deleting']}, backing up {totals['killed_backing_up']}, writing a checkpoint {totals['killed_checkpointing']}, "
          f"just after a refresh began {totals['killed_refreshing']}, ending in order {totals['killed_ending']}; "
          f"{totals['folders']} folders")
    if not arguments.keep:
        shutil.rmtree(home)
    enough = totals["rounds"] > 0 and totals["unanswered"] * 2 >= totals["rounds"]
    if not enough:
        print("too few rounds left a request unanswered: the kills do not hit anything")
    print(f"{totals['rounds'] if enough else 0} passed, {0 if enough else 1} failed")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
