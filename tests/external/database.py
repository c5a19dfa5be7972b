"""The checks that all databases have in common, and what their servers share.

A module of checks makes the table `filtered` and adds COMMON behind its own. Its server has `table`, `sql`, `start`, `stop`
and `statements_of`, and besides: ENGINE, its name; UNREACHABLE, the code of a server that cannot be talked to; FILTERED, how
many rows `filtered` has; REFUSED, the code of a statement that it refuses; `slow_views`, which makes views that answer slowly and fall silent; `is_slow`, whether a query of
the slow one runs there; `end_slow`, which ends it; `prices`, which adds to a table of prices."""

import socket
import threading
import time

from frame import equal

USER, PASSWORD = "reader", "s3cr3t'pass"
# No text may have one of these.
HIDDEN = [PASSWORD, PASSWORD.replace("'", "\\'"), "s3cr3t", "wr0ng"]
WAIT_S = 40

COMMON = []


def common(function):
    COMMON.append(function)
    return function


def quoted(text):
    text = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


def call(function, port, database, name, password, more):
    """A call of a table function at a port of this machine. A name in brackets, or a call of `query`, is a query."""
    table = name if name.startswith(("(", "query(")) else quoted(name)
    return f"{function}('127.0.0.1:{port}', {quoted(database)}, {table}, {quoted(USER)}, {quoted(password)}{more})"


def hides(text):
    assert not any(word in text for word in HIDDEN), text


def until(is_so, what):
    end = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end, what()
        time.sleep(0.1)


def filters_change_no_answer(everview, server, conditions):
    """Each condition is sent as it is written there, or stays here, and finds the rows that it finds here."""
    everview.ask("CREATE TABLE copied ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM " + server.table("filtered"))
    for condition, sent in conditions:
        here = everview.ask(f"SELECT i FROM copied WHERE {condition} ORDER BY i")
        asked = []
        select = f"SELECT i FROM {server.table('filtered')} WHERE {condition} ORDER BY i"
        statements = server.statements_of(lambda: asked.append(everview.ask(select)))
        equal((condition, asked[0]), (condition, here))
        equal(len(statements), 1)
        where = statements[0].partition(" WHERE ")[2]
        if sent is None:
            assert not where, f"{condition}: {where}"
        else:
            assert sent in where, f"{condition}: {where}"


@common
def external_rows_join_local_ones_and_fill_tables(everview, server):
    everview.ask("CREATE TABLE local (i Int32, x String) ENGINE = MergeTree ORDER BY i")
    everview.ask("INSERT INTO local VALUES (1, 'one'), (2, 'two'), (500, 'none')")
    table = server.table("filtered")
    equal(everview.ask(f"SELECT i, t, x FROM {table} AS f INNER JOIN local USING (i) ORDER BY i"), "1\tv1\tone\n2\tv2\ttwo\n")
    everview.ask(f"INSERT INTO local SELECT i, t FROM {table} WHERE i BETWEEN 10 AND 12")
    equal(everview.ask("SELECT x FROM local WHERE i IN (10, 12) ORDER BY i"), "v10\nv12\n")


@common
def a_table_of_the_engine_is_read_under_its_own_types(everview, server):
    engine = f"ENGINE = {server.ENGINE}(" + server.table("filtered").partition("(")[2]
    everview.ask(f"CREATE TABLE attached {engine}")
    equal(everview.rows("DESCRIBE attached")[0][:2], ["i", "Nullable(Int32)"])
    equal(everview.ask("SELECT i, t FROM attached WHERE i = 5"), "5\tv5\n")
    columns, row = server.DECLARED
    everview.ask(f"CREATE TABLE declared ({columns}) {engine}")
    equal(everview.ask("SELECT * FROM declared WHERE i = 2"), row)
    for table in ("attached", "declared"):
        shown = everview.ask(f"SHOW CREATE TABLE {table}")
        assert "[HIDDEN]" in shown, shown
        hides(shown)
    hides(everview.ask("SELECT * FROM system.tables FORMAT JSONEachRow") + everview.ask("SELECT query FROM system.processes"))
    everview.stop()
    everview.start()
    equal(everview.ask("SELECT count() FROM attached WHERE i <= 10"), "10\n")
    everview.ask("DROP TABLE declared")


@common
def a_named_collection_says_where(everview, server):
    password = PASSWORD.replace("'", "\\'")
    everview.ask(f"CREATE NAMED COLLECTION there AS host = '127.0.0.1', port = {server.port}, database = '{server.DATABASE}', "
                 f"user = '{USER}', password = '{password}'")
    function = server.table("filtered").partition("(")[0]
    equal(everview.ask(f"SELECT t FROM {function}(there, table = 'filtered') WHERE i = 5"), "v5\n")
    everview.ask(f"CREATE TABLE named ENGINE = {server.ENGINE}(there, table = 'filtered')")
    equal(everview.ask("SELECT t FROM named WHERE i = 6"), "v6\n")
    hides(everview.ask("SELECT * FROM system.named_collections") + everview.ask("SHOW CREATE TABLE named"))


@common
def a_query_stands_in_the_place_of_a_table(everview, server):
    function = server.table("filtered").partition("(")[0]
    joined = "SELECT a.i, b.t FROM filtered a JOIN filtered b ON a.i = b.i WHERE a.i <= 3"
    for query in (f"query({quoted(joined)})", f"query({quoted(joined + ' -- the end')})",
                  "(SELECT i, t FROM filtered WHERE i <= 3 AND t != 'it\\'s \\\\')"):
        table = server.table(query)
        equal([row[:2] for row in everview.rows(f"DESCRIBE {table}")], [["i", "Nullable(Int32)"], ["t", "Nullable(String)"]])
        equal(everview.ask(f"SELECT i, t FROM {table} ORDER BY i"), "1\tv1\n2\tv2\n3\tv3\n")
        equal(everview.ask(f"SELECT count() FROM {table}"), "3\n")
        equal(everview.ask(f"SELECT t FROM {table} WHERE i = 2"), "v2\n")
    grouped = "SELECT count(*) AS n, sum(i) AS total FROM filtered WHERE i <= 100 GROUP BY i % 2 ORDER BY total"
    equal(everview.ask(f"SELECT n, total FROM {server.table(f'query({quoted(grouped)})')}"), "50\t2500\n50\t2550\n")
    everview.ask(f"CREATE TABLE asked ENGINE = {server.ENGINE}({server.table(f'query({quoted(joined)})').partition('(')[2]}")
    everview.ask(f"CREATE VIEW asking AS SELECT i FROM {server.table('(SELECT i FROM filtered WHERE i <= 2)')}")
    shown = everview.ask("SHOW CREATE TABLE asked")
    assert "query(" in shown, shown
    hides(shown + everview.ask("SHOW CREATE TABLE asking"))
    everview.stop()
    everview.start()
    equal(everview.ask("SELECT max(t) FROM asked"), "v3\n")
    equal(everview.ask("SELECT sum(i) FROM asking"), "3\n")
    everview.refuses("INSERT INTO asked VALUES (1, 'x')", 80, "only read")
    everview.refuses(f"INSERT INTO FUNCTION {server.table('(SELECT i FROM filtered)')} VALUES (1)", 80, "only read")
    where = f"host = '127.0.0.1', port = {server.port}, database = '{server.DATABASE}', user = '{USER}'"
    everview.ask(f"CREATE NAMED COLLECTION asks AS {where}, password = {quoted(PASSWORD)}")
    equal(everview.ask(f"SELECT * FROM {function}(asks, query = 'SELECT 5 AS five')"), "5\n")
    everview.refuses(f"SELECT * FROM {function}(asks, query = 'SELECT 1', table = 'filtered')", 36, without=HIDDEN)
    everview.refuses(f"SELECT * FROM {function}(asks)", 36, "table", without=HIDDEN)


@common
def a_query_is_one_select_and_changes_nothing(everview, server):
    server.prices("(7, 1)")
    for query in ("SELECT 1; DELETE FROM prices", "SELECT 1) AS x; DELETE FROM prices; -- ", "DELETE FROM prices", "", "SELECT 1;",
                  "SELECT 1) AS x", "SELECT 1 AS a) AS x LIMIT 0; DELETE FROM prices /*", "SELECT nothing FROM filtered",
                  "SELECT * FROM nowhere", "SELECT 1 /*", "SELECT 'x"):
        everview.refuses(f"SELECT * FROM {server.table(f'query({quoted(query)})')}", server.REFUSED, without=HIDDEN)
    everview.refuses(f"SELECT * FROM {server.table('query(1)')}", 36, "string literal")
    everview.refuses(f"SELECT * FROM {server.table('query()')}", 36, "one argument")
    equal(everview.ask(f"SELECT count() FROM {server.table('prices')} WHERE i = 7"), "1\n")
    server.sql(*server.FORGET_PRICES)


@common
def errors_have_the_real_engine_s_codes_and_no_password(everview, server):
    def refused(code, *words, **place):
        name = place.pop("name", "filtered")
        everview.refuses(f"SELECT * FROM {server.table(name, **place)}", code, *words, without=HIDDEN)
    function = server.table("filtered").partition("(")[0]
    refused(60, "nowhere", name="nowhere")
    refused(60, "; DROP", name="'`; DROP TABLE filtered")
    refused(server.UNREACHABLE, "nodatabase", database="nodatabase")
    refused(server.UNREACHABLE, USER, password="wr0ng")
    refused(server.UNREACHABLE, "onnection refused", port=1)
    for host in ("10.1.2.3:5432", "169.254.169.254"):
        everview.refuses(f"SELECT * FROM {function}('{host}', 'a', 'b', 'c', 's3cr3t')", 491, host[:7], without=HIDDEN)
    everview.refuses(f"SELECT * FROM {function}('127.0.0.1', 'a', 'b')", 42)
    hides(everview.log())


@common
def of_several_hosts_the_first_that_answers_is_asked(everview, server):
    arguments = server.table("filtered").replace("127.0.0.1:", "127.0.0.1:1|127.0.0.1:")
    equal(everview.ask(f"SELECT count() FROM {arguments}"), f"{server.FILTERED}\n")


@common
def a_server_that_never_answers_is_given_up(everview, server):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        table = server.table("filtered", port=silent.getsockname()[1])
        everview.refuses(f"SELECT * FROM {table} SETTINGS external_storage_connect_timeout_sec = 1", server.UNREACHABLE,
                         "did not answer", without=HIDDEN)
        assert time.monotonic() - started < 20


@common
def a_server_that_falls_silent_is_given_up(everview, server):
    server.slow_views()
    started = time.monotonic()
    everview.refuses(f"SELECT i, s FROM {server.table('silent')} SETTINGS external_storage_rw_timeout_sec = 1",
                     server.UNREACHABLE, "did not answer", without=HIDDEN)
    assert time.monotonic() - started < 20


@common
def a_server_that_dies_in_the_middle_fails_that_query_only(everview, server):
    failed = []

    def read():
        try:
            failed.append(everview.refuses(f"SELECT sum(length(t)), max(s) FROM {server.table('slow')}", server.UNREACHABLE,
                                           without=HIDDEN))
        except AssertionError as error:
            failed.append(error)
    reader = threading.Thread(target=read)
    reader.start()
    until(lambda: server.is_slow() or failed, lambda: "the query never runs")
    time.sleep(0.5)
    server.end_slow()
    reader.join(timeout=60)
    assert failed and isinstance(failed[0], str), failed
    equal(everview.ask("SELECT 1"), "1\n")
    equal(everview.ask(f"SELECT count() FROM {server.table('filtered')}"), f"{server.FILTERED}\n")


@common
def a_query_that_is_ended_ends_there_too(everview, server):
    everview.refuses(f"SELECT max(s) FROM {server.table('slow')} SETTINGS max_execution_time = 1", 159)
    until(lambda: not server.is_slow(), lambda: "the query runs on")


@common
def a_refresh_survives_a_server_that_goes_and_comes(everview, server):
    def becomes(statement, expected):
        until(lambda: everview.ask(statement).strip() == expected, lambda: everview.ask(statement))
    server.prices("(1, 1.50), (2, 2.50)")
    everview.ask("CREATE MATERIALIZED VIEW total REFRESH EVERY 1 SECOND SETTINGS refresh_retries = 0 ENGINE = MergeTree "
                 f"ORDER BY tuple() AS SELECT count() AS n, sum(price) AS price FROM {server.table('prices')}")
    becomes("SELECT n, price FROM total", "2\t4")
    server.prices("(3, 3.25)")
    becomes("SELECT n, price FROM total", "3\t7.25")
    server.stop()
    becomes("SELECT exception != '' FROM system.view_refreshes WHERE view = 'total'", "1")
    equal(everview.ask("SELECT n, price FROM total"), "3\t7.25\n")
    hides(everview.ask("SELECT * FROM system.view_refreshes FORMAT JSONEachRow")
          + everview.ask("SELECT * FROM system.view_refresh_history FORMAT JSONEachRow") + everview.ask("SHOW CREATE TABLE total"))
    server.start()
    server.prices("(4, 1)")
    becomes("SELECT n, price FROM total", "4\t8.25")
    everview.ask("DROP TABLE total")
