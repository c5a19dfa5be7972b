"""`url()` and engine URL against nginx and against a server that lies; named collections; who may be asked."""

import contextlib
import gzip
import lzma
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from frame import Checks, Everview, Refused, equal
from nginx_server import Liar, nginx

CHECKS = Checks()
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


@contextlib.contextmanager
def environment(**variables):
    """These variables for processes that are started meanwhile."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def sources():
    with nginx() as server:
        server.put("a.csv", b'1,"x"\n2,"y"\n')
        server.put("b.csv", b'3,"z"\n')
        server.put("named.csv", b"id,name\n1,x\n")
        server.put("j.jsonl", b'{"a":1,"b":"q"}\n')
        server.put("g.csv.gz", gzip.compress(b'7,"gz"\n'))
        server.put("cut.csv.gz", gzip.compress(b"7,8\n" * 1000)[:-9])
        server.put("x.csv.xz", lzma.compress(b'9,"xz"\n'))
        server.put("s.csv.snappy", bytes([0, 0, 0, 2, 0, 0, 0, 4, 2, 4]) + b"1\n")
        server.put("j", b'{"a":1,"b":"q"}\n')
        server.put("named", b"id,name\n1,x\n")
        server.put("nothing", b"")
        server.put("packed.csv", b'8,"packed"\n' * 3)
        server.put("bad.csv", b"1,2\nx,y\n")
        server.put("private/p.csv", b'5,"private"\n')
        server.put("token/t.csv", b'6,"token"\n')
        liar = Liar()
        try:
            yield server, liar
        finally:
            liar.close()


@CHECKS
def pages_are_rows_with_the_types_of_the_real_engine(everview, server, _):
    equal(everview.rows(f"SELECT *, _path, _file, _size FROM url('{server.url('a.csv')}')"),
          [["1", "x", "/a.csv", "a.csv", "12"], ["2", "y", "/a.csv", "a.csv", "12"]])
    equal([row[:2] for row in everview.rows(f"DESCRIBE url('{server.url('a.csv')}')")],
          [["c1", "Nullable(Int64)"], ["c2", "Nullable(String)"]])
    equal(everview.rows(f"SELECT * FROM url('{server.url('a.csv')}', CSV, 'a UInt8, b String') WHERE a > 1"), [["2", "y"]])
    equal(everview.rows(f"SELECT id, name FROM url('{server.url('named.csv')}')"), [["1", "x"]])
    equal(everview.rows(f"SELECT b, a FROM url('{server.url('j.jsonl')}')"), [["q", "1"]])
    equal(everview.ask(f"SELECT count() FROM url('{server.url('a.csv')}')"), "2\n")


@CHECKS
def virtual_columns_say_where_a_row_is_from_and_when_it_changed(everview, server, liar):
    changed = 1_700_000_000
    os.utime(server.pages / "a.csv", (changed, changed))
    query = "SELECT DISTINCT toUnixTimestamp(_time), _size, _file, toTypeName(_time) FROM {}"
    row = [[str(changed), "12", "a.csv", "Nullable(DateTime)"]]
    equal(everview.rows(query.format(f"url('{server.url('a.csv')}')")), row)
    everview.ask("INSERT INTO FUNCTION file('changed/a.csv', CSV, 'a UInt8, b String') VALUES (1, 'x'), (2, 'y')")
    os.utime(Path(everview.folder) / "user_files" / "changed" / "a.csv", (changed, changed))
    equal(everview.rows(query.format("file('changed/*.csv')")), row)
    # what a page does not say is not known
    liar.answers["undated"] = [HEAD + b"Content-Length: 2\r\n\r\n1\n"]
    equal(everview.rows(f"SELECT a, _time FROM url('{liar.url('undated')}', CSV, 'a UInt8')"), [["1", "\\N"]])


@CHECKS
def braces_are_several_pages_and_missing_ones_have_no_rows(everview, server, _):
    url = server.url("{a,b,none}.csv")
    equal(everview.rows(f"SELECT a, _file FROM url('{url}', CSV, 'a UInt8, b String') ORDER BY a"),
          [["1", "a.csv"], ["2", "a.csv"], ["3", "b.csv"]])
    everview.refuses(f"SELECT * FROM url('{url}', CSV, 'a UInt8, b String') SETTINGS http_skip_not_found_url_for_globs = 0", 86)
    everview.refuses(f"SELECT * FROM url('{server.url('{1..2000}.csv')}', CSV, 'a UInt8')", 36, "glob_expansion_max_elements")


@CHECKS
def packed_pages_are_unpacked_and_cut_ones_refused(everview, server, _):
    equal(everview.rows(f"SELECT * FROM url('{server.url('g.csv.gz')}')"), [["7", "gz"]])
    equal(everview.ask(f"SELECT count() FROM url('{server.url('packed.csv')}', CSV, 'a UInt8, b String')"), "3\n")
    everview.refuses(f"SELECT * FROM url('{server.url('cut.csv.gz')}', CSV, 'a UInt8, b UInt8') FORMAT Null", 271)
    everview.refuses(f"SELECT * FROM url('{server.url('a.csv')}', CSV, 'a UInt8, b String', 'gzip')", 271)
    everview.refuses(f"SELECT * FROM url('{server.url('a.csv')}', CSV, 'a UInt8, b String', 'bz2')", 48, "bz2")
    for name in ("xz", "lzma", "snappy"):
        everview.refuses(f"SELECT * FROM url('{server.url('a.csv')}', CSV, 'a UInt8, b String', '{name}')", 271)
    equal(everview.rows(f"SELECT * FROM url('{server.url('x.csv.xz')}')"), [["9", "xz"]])
    equal(everview.rows(f"SELECT * FROM url('{server.url('s.csv.snappy')}')"), [["1"]])
    # nothing but the bytes says what format they are in
    equal(everview.rows(f"SELECT b, a FROM url('{server.url('j')}')"), [["q", "1"]])
    equal(everview.rows(f"SELECT id FROM url('{server.url('named')}', auto, 'id UInt8, name String')"), [["1"]])
    everview.refuses(f"SELECT * FROM url('{server.url('nothing')}')", 715)
    for name in ("br", "lz4", "gz", "zst", "deflate", "xz", "snappy"):
        for _ in range(2):
            everview.ask(f"INSERT INTO FUNCTION file('p.csv.{name}', CSV, 'a UInt64, b String') "
                         "SELECT number, repeat('x', 100) FROM numbers(5000) SETTINGS engine_file_truncate_on_insert = 1")
        equal(everview.ask(f"SELECT count(), sum(c1), max(length(c2)) FROM file('p.csv.{name}')"), "5000\t12497500\t100\n")
        packed = (Path(everview.folder) / "user_files" / f"p.csv.{name}").read_bytes()
        server.put(f"cut.csv.{name}", packed[:-3])
        everview.refuses(f"SELECT count() FROM url('{server.url(f'cut.csv.{name}')}', CSV, 'a UInt64, b String')", 271)


@CHECKS
def https_is_verified(everview, server, _):
    page = f"https://localhost:{server.tls_port}/a.csv"
    everview.refuses(f"SELECT * FROM url('{page}') SETTINGS http_max_tries = 1", 1000, "UnknownIssuer")
    with environment(SSL_CERT_FILE=str(server.authority.folder / "good.crt")):
        other = Everview(everview.program)
    try:
        equal(len(other.rows(f"SELECT * FROM url('{page}')")), 2)
        other.refuses(f"SELECT * FROM url('{page.replace('localhost', '127.0.0.1')}') SETTINGS http_max_tries = 1", 1000,
                      "not valid for name")
    finally:
        other.remove()


@CHECKS
def parquet_is_read_range_by_range(everview, server, _):
    everview.ask("CREATE TABLE wide (id UInt64, text String) ENGINE = MergeTree ORDER BY id")
    everview.ask("INSERT INTO wide SELECT number, repeat(toString(number), 20) FROM numbers(300000)")
    everview.ask("OPTIMIZE TABLE wide FINAL")
    everview.ask("ALTER TABLE wide FREEZE WITH NAME 'parquet'")
    frozen = max(Path(everview.folder).rglob("shadow/**/*.parquet"), key=lambda path: path.stat().st_size)
    server.put("wide.parquet", frozen.read_bytes())
    asked = len(server.asked())
    equal(everview.ask(f"SELECT count(), sum(id) FROM url('{server.url('wide.parquet')}')"), "300000\t44999850000\n")
    ranges = [line for line in server.asked()[asked:] if '"GET' in line]
    assert ranges and all(" 206 " in line for line in ranges), ranges
    sent = sum(int(line.split(" 206 ")[1].split()[0]) for line in ranges)
    assert sent < frozen.stat().st_size / 2, f"{sent} of {frozen.stat().st_size} bytes were read for one column"


@CHECKS
def redirects_are_counted_and_each_is_checked(everview, server, _):
    one, two = (f"SELECT * FROM url('{server.url(page)}', CSV, 'a UInt8, b String')" for page in ("moved.csv", "moved-twice.csv"))
    everview.refuses(one, 483, "max_http_get_redirects")
    equal(len(everview.rows(f"{one} SETTINGS max_http_get_redirects = 1")), 2)
    everview.refuses(f"{two} SETTINGS max_http_get_redirects = 1", 483)
    equal(len(everview.rows(f"{two} SETTINGS max_http_get_redirects = 2")), 2)
    for page in ("metadata.csv", "elsewhere.csv"):
        query = f"SELECT * FROM url('{server.url(page)}', CSV, 'a UInt8') SETTINGS max_http_get_redirects = 5"
        everview.refuses(query, 491, "allowed")


@CHECKS
def only_hosts_of_the_list_are_asked(everview, server, _):
    for host in ("10.0.0.1", "169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "[::ffff:169.254.169.254]", "0.0.0.0"):
        for query in (f"url('http://{host}/x', CSV, 'a UInt8')", f"s3('http://{host}/bucket/x', CSV, 'a UInt8')",
                      f"mysql('{host}:3306', 'd', 't', 'u', 'p')", f"postgresql('{host}:5432', 'd', 't', 'u', 'p')"):
            everview.refuses(f"SELECT * FROM {query}", 491)
    # a name that is not listed is not even resolved
    for query in ("url('http://nowhere.invalid/x', CSV, 'a UInt8')", "s3('http://nowhere.invalid/b/x', CSV, 'a UInt8')",
                  "mysql('nowhere.invalid', 'd', 't', 'u', 'p')", "postgresql('nowhere.invalid', 'd', 't', 'u', 'p')"):
        everview.refuses(f"SELECT * FROM {query}", 491, "nowhere.invalid")
    equal(len(everview.rows(f"SELECT * FROM url('http://localhost:{server.port}/a.csv')")), 2)
    other = Everview(everview.program, "--allow-host", f"loopback:{server.port}", "--allow-host", "10.0.0.0/8:1",
                     "--allow-host", "*.invalid")
    try:
        equal(len(other.rows(f"SELECT * FROM url('{server.url('a.csv')}')")), 2)
        other.refuses("SELECT * FROM url('http://127.0.0.1:1/x', CSV, 'a UInt8')", 491)
        other.refuses("SELECT * FROM url('http://10.0.0.1:2/x', CSV, 'a UInt8')", 491)
        other.refuses("SELECT * FROM url('http://nowhere.invalid/x', CSV, 'a UInt8') SETTINGS http_max_tries = 1", 198)
        other.refuses("SELECT * FROM url('http://nowhere.example/x', CSV, 'a UInt8')", 491)
    finally:
        other.remove()
    wrong = subprocess.run([everview.program, "local", "--allow-host", "http://x", "-q", "SELECT 1"], capture_output=True, text=True)
    assert wrong.returncode != 0 and "no entry of a list of hosts" in wrong.stderr, wrong


@CHECKS
def statuses_are_errors_and_passing_ones_are_tried_again(everview, server, _):
    structure = "CSV, 'a UInt8'"
    everview.refuses(f"SELECT * FROM url('{server.url('none.csv')}', {structure})", 86, "404")
    everview.refuses(f"SELECT * FROM url('{server.url('none.csv')}')", 86, "404")
    asked = len(server.asked())
    everview.refuses(f"SELECT * FROM url('{server.url('500.csv')}', {structure}) SETTINGS http_max_tries = 3, "
                     "http_retry_initial_backoff_ms = 1", 86, "500")
    equal(len(server.asked()) - asked, 3)
    everview.refuses(f"SELECT * FROM url('http://127.0.0.1:1/x', {structure}) SETTINGS http_max_tries = 1", 1000)


@CHECKS
def wrong_calls_have_the_codes_of_the_real_engine(everview, server, _):
    url = server.url("a.csv")
    everview.refuses("SELECT * FROM url()", 42)
    everview.refuses("SELECT * FROM url('a', 'b', 'c', 'd', 'e', 'f')", 42)
    everview.refuses(f"SELECT * FROM url('{url}', NoFormat)", 73)
    everview.refuses(f"SELECT * FROM url('{url}', CSV, 'a')", 62)
    everview.refuses(f"SELECT * FROM url('{url}', CSV, 'a UInt8', 'nocomp')", 48)
    everview.refuses("SELECT * FROM url('not a url', CSV, 'a UInt8')", 1000)
    everview.refuses("SELECT * FROM url('ftp://127.0.0.1/x', CSV, 'a UInt8')", 36)
    everview.refuses(f"SELECT * FROM url('{server.url('bad.csv')}', CSV, 'a UInt8, b UInt8')", 6, "row 2")
    everview.refuses("CREATE TABLE none (a UInt8) ENGINE = URL()", 42)
    everview.refuses(f"CREATE TABLE none (a UInt8) ENGINE = URL('{url}', CSV) ORDER BY a", 36)
    everview.refuses(f"CREATE TABLE none (a UInt8 DEFAULT 1) ENGINE = URL('{url}', CSV)", 48)


@CHECKS
def a_server_that_lies_about_its_size_is_an_error(everview, _, liar):
    liar.answers["short"] = [HEAD + b"Content-Length: 100\r\n\r\n1,2\n"]
    liar.answers["chunk"] = [HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\n1,2\n\r\n50\r\n3,"]
    query = "SELECT * FROM url('{}', CSV, 'a UInt8, b UInt8') SETTINGS http_max_tries = 1"
    everview.refuses(query.format(liar.url("short")), 1000, "4 bytes", "100")
    everview.refuses(query.format(liar.url("chunk")), 1000)
    # kept open behind its body, as many servers do whatever they are told
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"x\"\r\n\r\n1,2\n"
    liar.answers["whole"] = liar.answers["bucket/whole"] = [whole, None]
    liar.answers["long"] = liar.answers["bucket/long"] = [whole + b"3,4\n5,6\n"]
    liar.answers["late"] = liar.answers["bucket/late"] = [whole, 0.05, b"3,4\n5,6\n"]
    from_s3 = "SELECT * FROM s3('{}', NOSIGN, CSV, 'a UInt8, b UInt8') SETTINGS http_max_tries = 1"
    for asking, folder, code in ((query, "", 1000), (from_s3, "bucket/", 499)):
        equal(everview.rows(asking.format(liar.url(f"{folder}whole"))), [["1", "2"]])
        for page in ("long", "late"):
            everview.refuses(asking.format(liar.url(folder + page)), code, "12 bytes", "said 4")
    liar.answers["no-http"] = [b"SSH-2.0-OpenSSH_9.6\r\n"]
    everview.refuses(query.format(liar.url("no-http")), 1000)


@CHECKS
def a_server_that_says_nothing_holds_no_query(everview, _, liar):
    liar.answers["hangs"] = [HEAD + b"Content-Length: 100\r\n\r\n1,2\n", None]
    query = f"SELECT * FROM url('{liar.url('hangs')}', CSV, 'a UInt8, b UInt8') FORMAT Null SETTINGS http_max_tries = 1, "
    everview.refuses(query + "http_receive_timeout = 1", 1000, "within 1 s")
    everview.refuses(query + "max_execution_time = 1", 159)
    failed = []

    def wait():
        try:
            everview.ask(query + "http_receive_timeout = 100", query_id="waits")
        except Refused as refused:
            failed.append(refused.code)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while everview.ask("SELECT count() FROM system.processes WHERE query_id = 'waits'") != "1\n":
        time.sleep(0.02)
    everview.ask("KILL QUERY WHERE query_id = 'waits' SYNC")
    waiting.join(timeout=30)
    equal(failed, [394])


@CHECKS
def memory_is_that_of_a_block(everview, server, _):
    row = b"%d," + b"x" * 180 + b"\n"
    server.put("large.csv", b"".join(row % number for number in range(500_000)))
    query = f"SELECT count(), sum(length(b)) FROM url('{server.url('large.csv')}', CSV, 'a UInt64, b String')"
    equal(everview.ask(f"{query} SETTINGS max_memory_usage = 50000000"), "500000\t90000000\n")
    everview.refuses(f"SELECT groupArray(b) FROM url('{server.url('large.csv')}', CSV, 'a UInt64, b String') "
                     "FORMAT Null SETTINGS max_memory_usage = 50000000", 241)
    equal(len(everview.rows(f"SELECT a FROM url('{server.url('large.csv')}', CSV, 'a UInt64, b String') LIMIT 3")), 3)


@CHECKS
def users_and_headers_are_sent_and_never_shown(everview, server, _):
    private, token = server.url("private/p.csv", "ann:pw-secret@"), server.url("token/t.csv")
    headers = "headers('X-Token' = 'tok-123-secret')"
    everview.refuses(f"SELECT * FROM url('{server.url('private/p.csv')}', CSV, 'a UInt8')", 86, "401")
    equal(everview.rows(f"SELECT * FROM url('{private}')"), [["5", "private"]])
    equal(everview.rows(f"SELECT * FROM url('{token}', CSV, 'a UInt8, b String', {headers})"), [["6", "token"]])
    everview.ask(f"CREATE TABLE hidden ENGINE = URL('{private}', CSV)")
    everview.ask(f"CREATE TABLE hidden_too (a UInt8, b String) ENGINE = URL('{token}', CSV, {headers})")
    everview.ask(f"CREATE VIEW hidden_view AS SELECT * FROM url('{private}', CSV, 'a UInt8, b String')")
    equal(everview.rows("SELECT * FROM hidden_view"), [["5", "private"]])
    with contextlib.suppress(Refused):
        everview.ask(f"SELEC url('{private}')")
    with contextlib.suppress(Refused):
        everview.ask(f"SELECT * FROM url('{private.replace('p.csv', 'none')}', CSV, 'a UInt8')")
    everview.ask("SYSTEM FLUSH LOGS")
    shown = "".join(everview.ask(f"SHOW CREATE TABLE {name}") for name in ("hidden", "hidden_too", "hidden_view"))
    assert "[HIDDEN]" in shown
    for table in ("tables", "query_log", "processes", "errors", "named_collections", "view_refreshes"):
        shown += everview.ask(f"SELECT * FROM system.{table}")
    shown += everview.ask(f"EXPLAIN SYNTAX SELECT * FROM url('{private}')") + everview.log()
    for secret in ("pw-secret", "tok-123-secret"):
        assert secret not in shown, f"{secret} is shown"
    everview.stop()
    everview.start()
    equal(everview.rows("SELECT * FROM hidden"), [["5", "private"]])
    equal(everview.rows("SELECT * FROM hidden_too"), [["6", "token"]])


@CHECKS
def inserts_are_posted(everview, _, liar):
    everview.ask(f"INSERT INTO FUNCTION url('{liar.url('in')}', CSVWithNames, 'a UInt8, b String') VALUES (1, 'x'), (2, 'y')")
    path, headers, body = liar.posted.pop()
    equal((path, body), ("/in", b'"a","b"\n1,"x"\n2,"y"\n'))
    equal(headers["content-type"], "text/csv; charset=UTF-8; header=present")
    everview.ask(f"CREATE TABLE posts (a UInt64, b String) ENGINE = URL('{liar.url('in')}', TSV)")
    everview.ask("INSERT INTO posts SELECT number, toString(number) FROM numbers(100000)")
    equal(liar.posted.pop()[2].count(b"\n"), 100_000)
    everview.ask("INSERT INTO posts (b) VALUES ('only')")
    equal(liar.posted.pop()[2], b"0\tonly\n")
    everview.ask(f"INSERT INTO FUNCTION url('{liar.url('z')}', CSV, 'a UInt8', 'gzip') VALUES (1)")
    equal(gzip.decompress(liar.posted.pop()[2]), b"1\n")
    everview.refuses("CREATE MATERIALIZED VIEW over ENGINE = Memory AS SELECT a FROM posts", 48)


@CHECKS
def engine_url_is_a_table_like_the_real_engines(everview, server, _):
    everview.ask(f"CREATE TABLE pages (a UInt8, b String, c UInt8 ALIAS a + 1) ENGINE = URL('{server.url('{a,b}.csv')}', CSV)")
    equal(everview.rows("SELECT a, b, c, _file FROM pages WHERE a > 1 ORDER BY a"), [["2", "y", "3", "a.csv"], ["3", "z", "4", "b.csv"]])
    equal(everview.ask("SELECT engine, has_own_data FROM system.tables WHERE name = 'pages'"), "URL\t0\n")
    everview.refuses("TRUNCATE TABLE pages", 48)
    everview.refuses("OPTIMIZE TABLE pages", 48)
    everview.refuses("ALTER TABLE pages ADD COLUMN d UInt8", 48)
    everview.refuses("ALTER TABLE pages DELETE WHERE 1", 48)
    everview.refuses("SELECT * FROM pages FINAL", 181)
    everview.refuses("SELECT * FROM pages PREWHERE a = 1", 182)
    everview.ask("RENAME TABLE pages TO pages_2")
    everview.ask("DETACH TABLE pages_2")
    everview.ask("ATTACH TABLE pages_2")
    equal(everview.ask("SELECT count() FROM pages_2"), "3\n")
    everview.ask("DROP TABLE pages_2")


@CHECKS
def a_refresh_over_a_page_runs_each_time_and_fails_alone(everview, server, _):
    server.put("price.csv", b"1,10\n")
    everview.ask("CREATE MATERIALIZED VIEW prices REFRESH EVERY 1 SECOND SETTINGS refresh_retries = 0 ENGINE = MergeTree ORDER BY id "
                 f"AS SELECT id, price FROM url('{server.url('price.csv')}', CSV, 'id UInt64, price UInt64') "
                 "SETTINGS http_max_tries = 1")

    def until(statement, enough):
        for _ in range(400):
            if enough(everview.ask(statement).strip()):
                return
            time.sleep(0.05)
        raise AssertionError(f"{statement} stays {everview.ask(statement)}\n{everview.ask('SELECT * FROM system.view_refresh_history')}")

    until("SELECT price FROM prices", lambda answer: answer == "10")
    server.put("price.csv", b"1,11\n")
    until("SELECT price FROM prices", lambda answer: answer == "11")
    skipped = everview.ask("SELECT count() FROM system.view_refresh_history WHERE view = 'prices' AND status LIKE '%skipped%'")
    equal(skipped, "0\n")
    (server.pages / "price.csv").unlink()
    # the exception itself would be taken for one of the answer
    until("SELECT position(exception, '404') > 0 FROM system.view_refreshes WHERE view = 'prices'", lambda answer: answer == "1")
    equal(everview.ask("SELECT price FROM prices"), "11\n")
    server.put("price.csv", b"1,12\n")
    until("SELECT price FROM prices", lambda answer: answer == "12")
    everview.ask("DROP TABLE prices")


@CHECKS
def named_collections_are_kept_and_their_values_hidden(everview, server, _):
    everview.ask(f"CREATE NAMED COLLECTION page AS url = '{server.url('private/p.csv', 'ann:pw-secret@')}', format = 'CSV' NOT OVERRIDABLE")
    equal(everview.rows("SELECT * FROM url(page)"), [["5", "private"]])
    equal(everview.rows("SELECT * FROM url(page, structure = 'a UInt8, b String')"), [["5", "private"]])
    everview.refuses("SELECT * FROM url(page, format = 'TSV')", 36, "format")
    everview.refuses("SELECT * FROM url(page, nokey = 1)", 36, "nokey")
    everview.refuses("SELECT * FROM url(page, 'x')", 36)
    everview.refuses("SELECT * FROM url(nopage)", 669)
    everview.refuses("CREATE NAMED COLLECTION page AS url = 'x'", 670)
    everview.refuses("CREATE NAMED COLLECTION other AS a = 1, a = 2", 36)
    everview.ask("CREATE NAMED COLLECTION IF NOT EXISTS page AS url = 'x'")
    everview.ask("CREATE TABLE by_name ENGINE = URL(page)")
    # statements of this shape have plans that are kept
    shaped = "SELECT * FROM url(page, structure = 'a UInt8, b String') WHERE a < {}"
    equal(everview.rows(shaped.format(100)), [["5", "private"]])
    everview.stop()
    everview.start()
    equal(everview.rows("SELECT * FROM by_name"), [["5", "private"]])
    equal(everview.rows("SELECT name, create_query FROM system.named_collections"),
          [["page", r"CREATE NAMED COLLECTION page AS format = \'[HIDDEN]\' NOT OVERRIDABLE, url = \'[HIDDEN]\'"]])
    equal(everview.rows(shaped.format(99)), [["5", "private"]])
    everview.ask(f"ALTER NAMED COLLECTION page SET url = '{server.url('b.csv')}'")
    equal(everview.rows("SELECT * FROM by_name"), [["3", "z"]])
    equal(everview.rows(shaped.format(101)), [["3", "z"]])
    everview.refuses("SELECT * FROM url(page, format = 'TSV')", 36)
    everview.ask("BACKUP TABLE by_name TO File('named')")
    everview.ask("DROP TABLE by_name")
    everview.ask("DROP NAMED COLLECTION page")
    everview.refuses("DROP NAMED COLLECTION page", 669)
    everview.ask("DROP NAMED COLLECTION IF EXISTS page")
    everview.refuses("SELECT * FROM url(page)", 669)
    everview.ask("RESTORE TABLE by_name FROM File('named')")
    equal(everview.rows("SELECT * FROM by_name"), [["3", "z"]])
    everview.refuses("ALTER NAMED COLLECTION page DELETE nokey", 36)
    everview.refuses("ALTER NAMED COLLECTION nopage SET a = 1", 669)
    everview.ask("ALTER NAMED COLLECTION IF EXISTS nopage SET a = 1")


if __name__ == "__main__":
    sys.exit("run external.py")
