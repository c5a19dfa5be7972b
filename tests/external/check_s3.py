"""`s3()` and engine S3 against an S3 server. Answers and codes are those of the real engine against the same server."""

import base64
import contextlib
import gzip
import re
from pathlib import Path

from frame import Checks, Refused, equal
from s3_server import KEY, SECRET, s3

CHECKS = Checks()
KEYS = f"'{KEY}', '{SECRET}'"


@contextlib.contextmanager
def sources():
    with s3() as server:
        server.tell(do="bucket", name="bucket", public=False)
        objects = {"d/a.csv": b'1,"x"\n2,"y"\n', "d/b.csv": b'3,"z"\n', "d/e/c.csv": b'4,"w"\n',
                   "g.csv.gz": gzip.compress(b'7,"gz"\n'), "odd name+%.csv": b'9,"odd"\n'}
        for key, data in objects.items():
            put(server, key, data)
        put(server, "open/o.csv", b'6,"open"\n', public=True)
        yield (server,)


def put(server, key, data, public=False):
    server.tell(do="put", bucket="bucket", key=key, data=base64.b64encode(data).decode(), public=public)


def get(server, key):
    return base64.b64decode(server.tell(do="get", bucket="bucket", key=key)["data"])


def call(server, key, rest=f"{KEYS}, 'CSV', 'a UInt8, b String'"):
    return f"s3('{server.url('bucket/' + key)}', {rest})"


@CHECKS
def objects_are_rows(everview, server):
    equal(everview.rows(f"SELECT *, _path, _file, _size FROM {call(server, 'd/a.csv', KEYS)}"),
          [["1", "x", "bucket/d/a.csv", "a.csv", "12"], ["2", "y", "bucket/d/a.csv", "a.csv", "12"]])
    equal(everview.rows(f"SELECT * FROM {call(server, 'g.csv.gz', KEYS)}"), [["7", "gz"]])
    for key in ("d/a.csv", "d/a*.csv"):
        equal(everview.ask(f"SELECT DISTINCT _time BETWEEN now() - 3600 AND now() + 60 FROM {call(server, key)}"), "1\n")
    equal(everview.rows(f"SELECT b FROM {call(server, 'd/a.csv')} WHERE a = 2"), [["y"]])
    equal(everview.rows(f"SELECT a FROM {call(server, 'odd%20name%2B%25.csv')}"), [["9"]])


@CHECKS
def patterns_are_those_of_the_real_engine(everview, server):
    for pattern, keys in [("d/*.csv", ["d/a.csv", "d/a.csv", "d/b.csv"]), ("d/?.csv", ["d/a.csv", "d/a.csv", "d/b.csv"]),
                          ("d/**.csv", ["d/a.csv", "d/a.csv", "d/b.csv", "d/e/c.csv"]), ("d/*/*", ["d/e/c.csv"]),
                          ("d/{a,b}.csv", ["d/a.csv", "d/a.csv", "d/b.csv"]), ("d/[a].csv", [])]:
        if pattern == "d/[a].csv":
            everview.refuses(f"SELECT * FROM {call(server, pattern)}", 499)
            continue
        equal(everview.rows(f"SELECT _path FROM {call(server, pattern)} ORDER BY a"), [[f"bucket/{key}"] for key in keys])
    equal(everview.ask(f"SELECT count() FROM {call(server, 'none*.csv')}"), "0\n")
    everview.refuses(f"SELECT * FROM {call(server, 'none*.csv', KEYS)}", 636)
    everview.refuses(f"SELECT * FROM {call(server, 'd/{a,zz}.csv')}", 499)


@CHECKS
def what_goes_wrong_has_the_codes_of_the_real_engine(everview, server):
    everview.refuses(f"SELECT * FROM {call(server, 'none.csv')}", 499, "does not exist")
    everview.refuses(f"SELECT * FROM {call(server, 'none.csv', KEYS)}", 499)
    everview.refuses(f"SELECT * FROM s3('{server.url('nobucket/x*.csv')}', {KEYS}, 'CSV', 'a UInt8')", 499)
    everview.refuses("SELECT * FROM s3()", 42)
    everview.refuses(f"SELECT * FROM {call(server, 'd/a.csv', repr('Nope'))}", 73)
    everview.refuses("SELECT * FROM s3('nourl', 'CSV')", 36)
    everview.refuses(f"SELECT * FROM s3('{server.url('')}', {KEYS}, 'CSV', 'a UInt8')", 36)
    everview.refuses(f"SELECT * FROM {call(server, 'd/a.csv')} SETTINGS http_max_tries = 0, max_execution_time = 0.0000001", 159)
    everview.refuses(f"SELECT * FROM s3('http://127.0.0.1:1/bucket/x', {KEYS}, 'CSV', 'a UInt8') SETTINGS http_max_tries = 1",
                     499, without=[SECRET])


@CHECKS
def unsigned_requests_read_what_is_public(everview, server):
    equal(everview.rows(f"SELECT * FROM {call(server, 'open/o.csv', 'NOSIGN')}"), [["6", "open"]])
    equal(everview.rows(f"SELECT * FROM {call(server, 'open/o.csv', repr('CSV'))}"), [["6", "open"]])
    everview.refuses(f"SELECT * FROM {call(server, 'd/a.csv', 'NOSIGN')}", 499)


@CHECKS
def parquet_is_read_range_by_range(everview, server):
    everview.ask("CREATE TABLE wide (id UInt64, text String) ENGINE = MergeTree ORDER BY id")
    everview.ask("INSERT INTO wide SELECT number, repeat(toString(number), 20) FROM numbers(300000)")
    everview.ask("ALTER TABLE wide FREEZE WITH NAME 'parquet'")
    frozen = max(Path(everview.folder).rglob("shadow/**/*.parquet"), key=lambda path: path.stat().st_size)
    put(server, "wide.parquet", frozen.read_bytes())
    asked = len(server.requests())
    equal(everview.ask(f"SELECT count(), sum(id) FROM {call(server, 'wide.parquet', KEYS)}"), "300000\t44999850000\n")
    gets = [line for line in server.requests()[asked:] if "GET /bucket/wide.parquet" in line]
    assert gets and all(re.search(r"\b206\b", line) for line in gets), gets


@CHECKS
def inserts_make_objects_whole_or_not_at_all(everview, server):
    everview.ask(f"INSERT INTO FUNCTION {call(server, 'w.csv')} VALUES (5, 'five')")
    equal(get(server, "w.csv"), b'5,"five"\n')
    everview.refuses(f"INSERT INTO FUNCTION {call(server, 'w.csv')} VALUES (6, 'six')", 36, "s3_truncate_on_insert")
    everview.ask(f"INSERT INTO FUNCTION {call(server, 'w.csv')} SETTINGS s3_truncate_on_insert = 1 VALUES (6, 'six')")
    equal(get(server, "w.csv"), b'6,"six"\n')
    # larger than one piece of an upload
    everview.ask(f"INSERT INTO FUNCTION {call(server, 'large.tsv', KEYS + ', TSV')} SELECT number, repeat('x', 100) FROM numbers(300000)")
    equal(everview.ask(f"SELECT count(), sum(c1) FROM {call(server, 'large.tsv', KEYS)}"), "300000\t44999850000\n")
    everview.ask(f"INSERT INTO FUNCTION {call(server, 'packed.csv.gz')} VALUES (1, 'a')")
    equal(gzip.decompress(get(server, "packed.csv.gz")), b'1,"a"\n')
    everview.refuses(f"INSERT INTO FUNCTION {call(server, 'half.csv')} SELECT throwIf(number = 250000), '' FROM numbers(300000)", 395)
    everview.refuses(f"SELECT * FROM {call(server, 'half.csv')}", 499)
    everview.ask(f"INSERT INTO FUNCTION {call(server, 'empty.csv')} SELECT 1, '' WHERE 0")
    everview.refuses(f"INSERT INTO FUNCTION {call(server, 'x*.csv')} VALUES (1, 'a')", 36)


@CHECKS
def tables_views_and_collections_hide_their_keys(everview, server):
    everview.ask(f"CREATE TABLE objects (a UInt8, b String) ENGINE = S3('{server.url('bucket/d/*.csv')}', {KEYS}, CSV)")
    equal(everview.rows("SELECT a, _file FROM objects ORDER BY a"), [["1", "a.csv"], ["2", "a.csv"], ["3", "b.csv"]])
    everview.ask(f"CREATE NAMED COLLECTION s3_open AS url = '{server.url('bucket')}', access_key_id = '{KEY}', "
                 f"secret_access_key = '{SECRET}', format = 'CSV'")
    equal(everview.rows("SELECT * FROM s3(s3_open, filename = 'd/b.csv')"), [["3", "z"]])
    everview.ask("CREATE TABLE objects_by_name (a UInt8, b String) ENGINE = S3(s3_open, filename = 'w2.csv')")
    everview.ask("INSERT INTO objects_by_name VALUES (8, 'eight')")
    equal(get(server, "w2.csv"), b'8,"eight"\n')
    everview.ask("CREATE MATERIALIZED VIEW daily REFRESH EVERY 1 DAY ENGINE = MergeTree ORDER BY a "
                 f"AS SELECT a, b FROM {call(server, 'd/*.csv')}")
    everview.ask("SYSTEM WAIT VIEW daily")
    equal(everview.ask("SELECT count() FROM daily"), "3\n")
    equal(everview.ask("SHOW CREATE TABLE objects").split("ENGINE = ")[1],
          f"S3(\\'{server.url('bucket/d/*.csv')}\\', \\'{KEY}\\', \\'[HIDDEN]\\', \\'CSV\\')\n")
    with contextlib.suppress(Refused):
        everview.ask(f"SELECT * FROM {call(server, 'none.csv')}")
    everview.ask("SYSTEM FLUSH LOGS")
    shown = everview.ask("SHOW CREATE TABLE daily") + everview.ask("SHOW CREATE TABLE objects_by_name")
    for table in ("tables", "query_log", "errors", "named_collections", "view_refreshes", "view_refresh_history"):
        shown += everview.ask(f"SELECT * FROM system.{table}")
    assert SECRET not in shown + everview.log()
    everview.stop()
    everview.start()
    equal(everview.ask("SELECT count() FROM objects"), "3\n")
    equal(everview.rows("SELECT a FROM objects_by_name"), [["8"]])
