"""What is done to the server until it is killed: each function is one connection's work, and notes what was acknowledged."""

import time

from served import UNANSWERED, Broken, Client, Refused

KEYS = 97
# Rows of an insert: small ones ride in the log, the largest are files of their own (over 1 MiB of one partition).
ROWS_OF_INSERT = [1, 1, 7, 50, 300, 2000]
# Every so many inserts of a writer one is as large as this.
LARGE_EVERY, LARGE_ROWS = 40, 12_000


class Backup:
    """A backup that was asked for."""

    def __init__(self, name, promises):
        self.name, self.promises, self.is_acknowledged = name, promises, False


def make_batch(rng, rows):
    """A function from a batch id to (body, rows, sum)."""

    def make(batch):
        lines, total = [], 0
        pad = "x" * rng.choice([0, 5, 100]) if rows < LARGE_ROWS else "".join(rng.choices("abcdefgh", k=300))
        for row in range(rows):
            v = rng.randrange(-1_000_000, 1_000_000)
            total += v
            lines.append(f"{batch}\t{row}\t{rng.randrange(KEYS)}\t{v}\t{pad}{row}\n")
        return "".join(lines).encode(), rows, total

    return make


def connected(server):
    """A connection to the server once it answers; none when it was killed before."""
    try:
        server.wait_ready()
    except Broken:
        return None
    return Client(server.port)


def write(server, ledger, rng, counts, sizes):
    """Inserts one batch after the other until the server is gone."""
    client, sent = connected(server), rng.randrange(LARGE_EVERY)
    if client is None:
        return
    while True:
        sent += 1
        rows = LARGE_ROWS if sent % LARGE_EVERY == 0 and LARGE_ROWS in sizes else rng.choice(sizes[:-1])
        batch, body = ledger.begin(make_batch(rng, rows))
        try:
            client.ask(f"INSERT INTO {ledger.table} FORMAT TabSeparated", body)
            ledger.acknowledge(batch)
            counts["acknowledged"] += 1
        except UNANSWERED as error:
            # refused at the door: nothing was asked, so nothing was left unanswered
            if not isinstance(error, ConnectionRefusedError):
                counts["unanswered"] += 1
            return
        except Refused as error:
            if "shutting down" not in str(error).lower() and not counts["ending"]:
                ledger.fault(f"an insert was refused: {error}")
            return


def merge(server, rng, counts):
    """Merges the tables, and changes a column that no check reads, again and again until the server is gone."""
    client = connected(server)
    if client is None:
        return
    while True:
        time.sleep(rng.uniform(0, 0.3))
        table = rng.choice(["base", "per_key", "latest", "notes"])
        try:
            if table == "notes" and rng.random() < 0.5:
                client.ask(f"ALTER TABLE notes UPDATE pad = concat(pad, '!') WHERE batch % 5 = {rng.randrange(5)}")
                counts["updates"] += 1
            else:
                client.ask(f"OPTIMIZE TABLE {table} FINAL")
                counts["merges"] += 1
        except UNANSWERED as error:
            counts["killed_merging"] += 0 if isinstance(error, ConnectionRefusedError) else 1
            return
        except Refused:
            return


def delete(server, ledger, rng, counts):
    """Deletes the rows of one insert after the other until the server is gone."""
    client = connected(server)
    if client is None:
        return
    while True:
        batch = ledger.begin_delete(rng)
        if batch is None:
            time.sleep(0.02)
            if server.process.poll() is not None:
                return
            continue
        how = rng.choice(["DELETE FROM notes WHERE", "ALTER TABLE notes DELETE WHERE"])
        try:
            client.ask(f"{how} batch = {batch}")
            ledger.deleted(batch)
            counts["deletes"] += 1
        except UNANSWERED as error:
            counts["killed_deleting"] += 0 if isinstance(error, ConnectionRefusedError) else 1
            return
        except Refused as error:
            if "shutting down" not in str(error).lower() and not counts["ending"]:
                ledger.fault(f"a delete was refused: {error}")
            return
        time.sleep(rng.uniform(0, 0.05))


def back_up(server, ledgers, rng, counts, backups):
    """Takes one backup after the other until the server is gone."""
    client = connected(server)
    if client is None:
        return
    while True:
        backup = Backup(f"b{time.monotonic_ns()}", [ledger.promise() for ledger in ledgers])
        backups.append(backup)
        try:
            client.ask(f"BACKUP DATABASE default TO File('{backup.name}')")
            backup.is_acknowledged = True
            counts["backups"] += 1
        except UNANSWERED as error:
            counts["killed_backing_up"] += 0 if isinstance(error, ConnectionRefusedError) else 1
            return
        except Refused as error:
            if "shutting down" not in str(error).lower() and not counts["ending"]:
                ledgers[0].fault(f"a backup was refused: {error}")
            return
        time.sleep(rng.uniform(0, 0.2))
