"""`postgresql()` and ENGINE = PostgreSQL against a real PostgreSQL. Types and values are those that the real engine gives for
the same tables, but where a comment says otherwise."""

import contextlib

import conditions
from certificates import Authority
from database import COMMON, HIDDEN, USER, filters_change_no_answer, hides
from frame import Checks, equal
from postgresql_server import PostgreSql

CHECKS = check = Checks()


@contextlib.contextmanager
def sources():
    postgres = PostgreSql()
    try:
        yield (postgres,)
    finally:
        postgres.remove()


# column, type there, type here, value there, value here
TYPES = [
    ("s", "smallint", "Nullable(Int16)", "-32768", "-32768"),
    ("i", "integer NOT NULL", "Int32", "-2147483648", "-2147483648"),
    ("b", "bigint", "Nullable(Int64)", "9223372036854775807", "9223372036854775807"),
    ("serial", "bigserial", "Int64", "7", "7"),
    ("r", "real", "Nullable(Float32)", "1.5", "1.5"),
    ("d", "double precision", "Nullable(Float64)", "1e300", "1e300"),
    ("nan", "double precision", "Nullable(Float64)", "'NaN'", "nan"),
    ("inf", "double precision", "Nullable(Float64)", "'-Infinity'", "-inf"),
    ("n", "numeric", "Nullable(Decimal(38, 19))", "123.456789", "123.456789"),
    ("n9", "numeric(9,2)", "Nullable(Decimal(9, 2))", "-1234567.89", "-1234567.89"),
    ("n38", "numeric(38,10)", "Nullable(Decimal(38, 10))", "1234567890123456789012345678.0123456789",
     "1234567890123456789012345678.0123456789"),
    ("n76", "numeric(76,0)", "Nullable(Decimal(76, 0))", "9" * 76, "9" * 76),
    ("yes", "boolean", "Nullable(UInt8)", "true", "1"),
    ("no", "boolean NOT NULL", "UInt8", "false", "0"),
    ("t", "text", "Nullable(String)", r"E'a\tb\nc\\d \u00fcn\u00ef ''q'' \\N'", r"a\tb\nc\\d ünï \'q\' \\N"),
    ("empty", "text NOT NULL", "String", "''", ""),
    ("vc", "varchar(10)", "Nullable(String)", "'vc'", "vc"),
    ("ch", "char(5)", "Nullable(String)", "'ch'", "ch   "),
    ("by", "bytea", "Nullable(String)", r"'\x00ff5c'", r"\\x00ff5c"),
    ("js", "jsonb", "Nullable(String)", """'{"a": [1, 2]}'""", '{"a": [1, 2]}'),
    ("u", "uuid", "Nullable(UUID)", "'61f0c404-5cb3-11e7-907b-a6006ad3dba0'", "61f0c404-5cb3-11e7-907b-a6006ad3dba0"),
    ("da", "date", "Nullable(Date32)", "'1969-12-31'", "1969-12-31"),
    ("leap", "date", "Nullable(Date32)", "'2024-02-29'", "2024-02-29"),
    ("ti", "time", "Nullable(String)", "'12:34:56.789'", "12:34:56.789"),
    ("ts", "timestamp", "Nullable(DateTime64(6))", "'1960-06-01 01:02:03.5'", "1960-06-01 01:02:03.500000"),
    ("ts3", "timestamp(3)", "Nullable(DateTime64(6))", "'2024-02-29 12:34:56.789'", "2024-02-29 12:34:56.789000"),
    ("tz", "timestamptz", "Nullable(DateTime64(6))", "'2024-02-29 12:34:56.789123+02'", "2024-02-29 10:34:56.789123"),
    ("iv", "interval", "Nullable(String)", "'1 day 2 hours'", "1 day 02:00:00"),
    ("m", "money", "Nullable(String)", "'12.34'", "$12.34"),
    ("ip", "inet", "Nullable(String)", "'127.0.0.1'", "127.0.0.1"),
    ("bits", "bit(3)", "Nullable(String)", "B'101'", "101"),
    ("p", "point", "Nullable(String)", "'(1,2)'", "(1,2)"),
    ("ia", "int[]", "Array(Nullable(Int32))", "'{1,NULL,-3}'", "[1,NULL,-3]"),
    ("ea", "int[]", "Array(Nullable(Int32))", "'{}'", "[]"),
    ("nia", "int[] NOT NULL", "Array(Int32)", "'{7}'", "[7]"),
    ("iaa", "int[][]", "Array(Array(Nullable(Int32)))", "'{{1,2},{3,4}}'", "[[1,2],[3,4]]"),
    ("ta", "text[]", "Array(Nullable(String))", r"""E'{a,"b c","d\\"e\\\\f",NULL,"NULL","",\u00fc}'""",
     r"""['a','b c','d"e\\f',NULL,'NULL','','ü']"""),
    ("na", "numeric(10,2)[]", "Array(Nullable(Decimal(10, 2)))", "'{1.25,2}'", "[1.25,2]"),
    ("ba", "boolean[]", "Array(Nullable(UInt8))", "'{t,f,NULL}'", "[1,0,NULL]"),
    ("daa", "date[]", "Array(Nullable(Date32))", "'{1969-12-31}'", "['1969-12-31']"),
    ("fa", "float8[]", "Array(Nullable(Float64))", "'{1,NaN,Infinity}'", "[1,nan,inf]"),
]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


@check
def every_type_is_the_real_engine_s_and_every_value_comes(everview, postgres):
    columns = ", ".join(f"{quoted(name)} {there}" for name, there, *_ in TYPES)
    names = ", ".join(quoted(name) for name, *_ in TYPES)
    values = ", ".join(value for *_, value, _ in TYPES)
    postgres.sql(f"CREATE TABLE every ({columns})", f"INSERT INTO every ({names}) VALUES ({values})",
                 'INSERT INTO every (i, no, empty, nia) VALUES (0, true, $$x$$, $${}$$)')
    described = everview.rows(f"DESCRIBE {postgres.table('every')}")
    equal([row[:2] for row in described], [[name, here] for name, _, here, *_ in TYPES])
    first, second = everview.ask(f"SELECT * FROM {postgres.table('every')} ORDER BY i").splitlines()
    equal(first.split("\t"), [here for *_, here in TYPES])
    # NULL where it can be, the default of the type where it cannot: no array is NULL
    absent = {"i": "0", "no": "1", "empty": "x", "serial": "1"}
    expected = [absent.get(name, "[]" if here.startswith("Array") else r"\N") for name, _, here, *_ in TYPES]
    equal(second.split("\t"), expected)


@check
def a_query_s_types_are_the_real_engine_s(everview, postgres):
    query = """query('SELECT i, n9, n, ts, yes, ia, u, 1 AS one, now() AS t, count(*) OVER () AS c, 1.5 AS d, NULL AS nothing,
        $$x$$ AS s, $$x$$::char(5) AS ch FROM every')"""
    types = ["Nullable(Int32)", "Nullable(Decimal(9, 2))", "Nullable(Decimal(38, 19))", "Nullable(DateTime64(6))",
             "Nullable(UInt8)", "Array(Nullable(Int32))", "Nullable(UUID)", "Nullable(Int32)", "Nullable(DateTime64(6))",
             "Nullable(Int64)", "Nullable(Decimal(38, 19))", *["Nullable(String)"] * 3]
    equal([row[1] for row in everview.rows(f"DESCRIBE {postgres.table(query)}")], types)
    everview.refuses(f"SELECT * FROM {postgres.table('query(' + repr('SELECT 1 AS a, 2 AS a') + ')')}", 44, '"a"')


@check
def names_with_quotes_schemas_views_and_empty_tables(everview, postgres):
    postgres.sql('CREATE SCHEMA "my schema"', 'CREATE TABLE "my schema"."t""q" ("a""b" int, "select" text)',
                 'INSERT INTO "my schema"."t""q" VALUES (1, $$x$$)', "CREATE TABLE none (i int, a int[])",
                 "CREATE VIEW seen AS SELECT i, ia, iaa FROM every WHERE i < 0")
    equal(everview.ask(f"""SELECT `a"b`, `select` FROM {postgres.table('t"q', schema='my schema')}"""), "1\tx\n")
    equal(everview.ask(f"SELECT * FROM {postgres.table('none')}"), "")
    equal(everview.ask(f"SELECT count() FROM {postgres.table('none')}"), "0\n")
    # the catalogs do not know the dimensions of a view's arrays: the first array does
    equal(everview.ask(f"SELECT ia, iaa FROM {postgres.table('seen')}"), "[1,NULL,-3]\t[[1,2],[3,4]]\n")


@check
def what_no_type_holds_is_an_error_that_names_the_column(everview, postgres):
    # the real engine reads an infinite date as 1970-01-01 and a date before Christ as one after: here both are errors
    for ty, value in [("timestamp", "'infinity'"), ("date", "'infinity'"), ("date", "'0044-03-15 BC'"),
                      ("numeric", "'NaN'"), ("numeric", "1e30"), ("int[]", "'{{1,2}}'")]:
        postgres.sql("DROP TABLE IF EXISTS beyond", f"CREATE TABLE beyond (good int, bad {ty})",
                     f"INSERT INTO beyond VALUES (1, {value})")
        everview.refuses(f"SELECT * FROM {postgres.table('beyond')}", 36, '"bad"', without=HIDDEN)
        equal(everview.ask(f"SELECT good FROM {postgres.table('beyond')}"), "1\n")
    postgres.sql("CREATE TABLE wide (n numeric(100,5))")
    everview.refuses(f"DESCRIBE {postgres.table('wide')}", 36, "numeric(100,5)")


def filtered(postgres):
    postgres.sql(
        "DROP TABLE IF EXISTS filtered",
        "CREATE TABLE filtered (i int, t text, c char(4), n numeric(10,2), free numeric, f float8, b boolean, d date, "
        "ts timestamp, tz timestamptz, u uuid, j jsonb, maybe int)",
        "INSERT INTO filtered SELECT x, 'v' || x, 'c' || x, x * 1.5, x * 1.5, x / 4.0, x % 2 = 0, "
        "date '1969-12-01' + x, timestamp '1969-12-31 12:00' + x * interval '1 hour', "
        "timestamptz '2024-01-01 00:00+00' + x * interval '1 hour', "
        "('00000000-0000-0000-0000-' || lpad(x::text, 12, '0'))::uuid, jsonb_build_object('x', x), "
        "CASE WHEN x % 3 = 0 THEN x END FROM generate_series(1, 100) x",
        "INSERT INTO filtered (i, t, f) VALUES (101, 'V7', 'NaN'), (102, '', '-Infinity')")


# condition; what the server is asked, or None where the condition must stay here
CONDITIONS = [
    ("i = 5", '"i" = 5'),
    ("i > 98 AND i <= 100", '"i" <= 100'),
    ("i != 5", '"i" != 5'),
    ("i IN (1, 2, 300)", '"i" IN ('),
    ("t = 'v7'", "\"t\" = 'v7'"),
    ("t >= 'v98'", "\"t\" COLLATE \"C\" >= 'v98'"),
    ("t = '; DROP TABLE filtered; --'", "'; DROP TABLE filtered; --'"),
    ("t = 'it\\'s \\\\ here'", "'it''s \\ here'"),
    ("c = 'c7  '", "\"c\" = 'c7  '"),
    ("c != 'c7  '", None),
    ("f > 20", '"f" > '),
    ("20.5 <= f", '"f" >= '),
    ("i < 5.0", '"i" < 5'),
    ("i < 5.5", None),
    ("b = 1", '"b" = true'),
    ("d < toDate32('1970-01-01')", "\"d\" < '1970-01-01'"),
    ("ts < toDateTime64('1970-01-01 00:00:00', 6)", "\"ts\" < '1970-01-01 00:00:00.000000'"),
    ("tz = toDateTime64('2024-01-01 05:00:00', 6)", "\"tz\" = '2024-01-01 05:00:00.000000'"),
    ("u > toUUID('00000000-0000-0000-0000-000000000050')", None),
    ("j = '{\"x\": 5}'", None),
    ("lower(t) = 'v7'", None),
    ("i + 1 = 6", None),
    ("i = 5 OR i = 6", '"i" IN (5, 6)'),
    ("i = 5 OR t = 'v6'", "(\"i\" = 5 OR \"t\" = 'v6')"),
    ("maybe IS NULL AND i > 90", '"maybe" IS NULL'),
    ("maybe IS NOT NULL AND i > 90", '"maybe" IS NOT NULL'),
    ("n = 3", '"n" = 3'),
    ("n > toDecimal64(100.5, 2)", '"n" > 100.5'),
    ("u = toUUID('00000000-0000-0000-0000-000000000050')", "\"u\" = '00000000-0000-0000-0000-000000000050'"),
    ("i > 98 AND concat(t, 'x') = 'v99x'", '"i" > 98'),
]


@check
def filters_go_along_and_change_no_answer(everview, postgres):
    filtered(postgres)
    filters_change_no_answer(everview, postgres, CONDITIONS)


@check
def conditions_at_random_lose_no_row(everview, postgres):
    filtered(postgres)
    postgres.sql("CREATE TABLE edges AS SELECT * FROM filtered",
                 "INSERT INTO edges (i, t, c, n, free, f, ts, d) VALUES "
                 "(103, 'ä', 'x', -1.5, -1.55, -0.25, '1969-12-31 23:59:59.999999', '1969-12-31'), "
                 "(104, 'a ', 'a ', 0, 0.00000000000000000001, 'Infinity', '1970-01-01 00:00:00.000001', '1970-01-01'), "
                 "(105, NULL, NULL, NULL, -0.00000000000000000001, NULL, NULL, NULL), "
                 "(106, 'A', 'a', 99999999.99, -1.5, 1e-300, '2024-02-29', '2024-02-29')")
    numbers = dict.fromkeys(["i", "n", "free", "f", "b", "maybe"], conditions.NUMBERS)
    texts = dict.fromkeys(["t", "c"], conditions.TEXTS)
    times = {"d": conditions.DATES, "ts": conditions.TIMES, "tz": conditions.INSTANTS}
    conditions.compare(everview, postgres, "edges_here", postgres.table("edges"), {**numbers, **texts, **times})


@check
def only_the_columns_and_rows_that_are_needed_are_asked_for(everview, postgres):
    def asked(statement):
        return postgres.statements_of(lambda: everview.ask(statement))
    table = postgres.table("filtered")
    equal(asked(f"SELECT t, i FROM {table} LIMIT 3 FORMAT Null")[0].split(" FROM ")[0].count('"'), 4)
    assert "LIMIT 3" in asked(f"SELECT t, i FROM {table} LIMIT 3")[0]
    # rows that a filter here drops would be missing
    assert "LIMIT" not in asked(f"SELECT i FROM {table} WHERE lower(t) = 'v7' LIMIT 1")[0]
    assert "count(*)" in asked(f"SELECT count() FROM {table}")[0]
    equal(everview.ask(f"SELECT count() FROM {table}"), "102\n")
    equal(len(everview.rows(f"SELECT i FROM {table} LIMIT 3")), 3)


@check
def rows_are_streamed(everview, postgres):
    postgres.sql("CREATE VIEW many AS SELECT x AS i, repeat('x', 100) AS t FROM generate_series(1, 500000) x")
    equal(everview.ask(f"SELECT count(), sum(i), sum(length(t)) FROM {postgres.table('many')}"),
          "500000\t125000250000\t50000000\n")
    # far less memory than the rows: 50 MB of texts
    equal(everview.ask(f"SELECT count() FROM {postgres.table('many')} WHERE length(t) = 100", max_memory_usage=40000000),
          "500000\n")


@check
def views_hide_where_they_read(everview, postgres):
    everview.ask(f"CREATE VIEW ours AS SELECT i, t FROM {postgres.table('filtered')} WHERE i <= 3")
    shown = everview.ask("SHOW CREATE TABLE ours")
    assert "[HIDDEN]" in shown, shown
    hides(shown)
    everview.stop()
    everview.start()
    equal(everview.ask("SELECT max(t) FROM ours"), "v3\n")
    # nothing is inserted there that a view could be told of
    everview.refuses("CREATE MATERIALIZED VIEW never ENGINE = MergeTree ORDER BY i AS SELECT i FROM "
                     + postgres.table("filtered"), 397, without=HIDDEN)


@check
def rows_are_written(everview, postgres):
    postgres.sql("CREATE TABLE written (a int PRIMARY KEY, t text, l int[], at timestamp)")
    table = postgres.table("written")
    everview.ask(f"INSERT INTO FUNCTION {table} VALUES (1, 'a\\tb\\\\ ü \\'q\\'', [1, 2], '1960-01-01 01:02:03.123456')")
    everview.ask(f"INSERT INTO FUNCTION {table} (a, t) VALUES (2, NULL)")
    equal(postgres.sql("SELECT a, t, l, at FROM written ORDER BY a"),
          "1|a\tb\\ ü 'q'|{1,2}|1960-01-01 01:02:03.123456\n2||{}|")
    # all rows of an INSERT or none
    everview.refuses(f"INSERT INTO FUNCTION {table} (a, t) VALUES (3, 'c'), (2, 'b')", 1001, "duplicate key", without=HIDDEN)
    equal(postgres.sql("SELECT count(*) FROM written"), "2")
    conflict = postgres.table("written", schema="", more=", 'ON CONFLICT DO NOTHING'")
    everview.ask(f"INSERT INTO FUNCTION {conflict} (a, t) VALUES (3, 'it\\'s \\\\'), (2, 'b')")
    equal(postgres.sql("SELECT a, t FROM written WHERE a > 1 ORDER BY a"), "2|\n3|it's \\")
    everview.ask(f"CREATE TABLE writing ENGINE = PostgreSQL{table[len('postgresql'):]}")
    everview.ask("INSERT INTO writing (a, t, at) VALUES (4, 'four', '2024-01-01 00:00:00')")
    equal(everview.ask("SELECT t, at FROM writing WHERE a = 4", session_timezone="UTC"), "four\t2024-01-01 00:00:00.000000\n")
    # times are wall clocks, of the session's zone on both ways
    seoul = {"session_timezone": "Asia/Seoul"}
    everview.ask("INSERT INTO writing (a, at) SELECT 5, toDateTime64('2024-01-01 12:00:00', 6)", **seoul)
    equal(postgres.sql("SELECT at FROM written WHERE a = 5"), "2024-01-01 12:00:00")
    equal(everview.ask(f"SELECT at FROM {table} WHERE a = 5", **seoul), "2024-01-01 12:00:00.000000\n")
    everview.ask(f"INSERT INTO FUNCTION {table} (a, t) SELECT number, toString(number) FROM numbers(10, 100000)")
    equal(postgres.sql("SELECT count(*), min(a), max(t) FROM written WHERE a >= 10"), "100000|10|99999")


@check
def a_select_changes_nothing_there(everview, postgres):
    postgres.sql("CREATE TABLE marks (a int)", "CREATE FUNCTION mark() RETURNS int LANGUAGE sql VOLATILE AS "
                 "$$INSERT INTO marks VALUES (1) RETURNING a$$", "CREATE VIEW marking AS SELECT mark() AS a")
    everview.refuses(f"SELECT * FROM {postgres.table('marking')}", 1001, "read-only")
    equal(postgres.sql("SELECT count(*) FROM marks"), "0")


@check
def connections_are_encrypted_as_sslmode_says(everview, postgres):
    postgres.sql("CREATE VIEW encrypted AS SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    good, bad = postgres.authority, Authority(postgres.folder / "other", "bad")
    unreachable = object()

    def told(mode, expected, authority=None, host="localhost", words=()):
        more = f", sslmode = '{mode}'" + (f", sslrootcert_pem = '{authority.pem()}'" if authority else "")
        select = f"SELECT * FROM {postgres.table('encrypted', more=more)}".replace("127.0.0.1", host)
        if expected is unreachable:
            everview.refuses(select, 614, *words, without=[*HIDDEN, "BEGIN CERT"])
        else:
            equal((mode, everview.ask(select)), (mode, f"{expected}\n"))
    for mode in ("disable", "allow", "prefer"):
        told(mode, 0)
    for mode in ("require", "verify-ca", "verify-full"):
        told(mode, unreachable, good)
    told("verify", unreachable, words=["invalid sslmode"])
    postgres.stop()
    postgres.start(ssl="on")
    equal(everview.ask(f"SELECT * FROM {postgres.table('encrypted')}"), "1\n")
    for mode, encrypted in [("disable", 0), ("allow", 0), ("prefer", 1), ("require", 1)]:
        told(mode, encrypted)
        told(mode, encrypted, good)
    # who gives an authority means it: the real engine goes on in clear text with sslmode=prefer
    for mode in ("prefer", "require", "verify-ca", "verify-full"):
        told(mode, unreachable, bad, words=["UnknownIssuer"])
    told("verify-ca", 1, good, host="127.0.0.1")
    told("verify-full", 1, good)
    told("verify-full", unreachable, good, host="127.0.0.1", words=["not valid for name"])
    told("verify-full", unreachable, words=["authority"])


@check
def a_client_shows_its_certificate(everview, postgres):
    postgres.authority.sign("client", "reader")
    rules = postgres.data / "pg_hba.conf"
    before = rules.read_text(encoding="utf-8")
    rules.write_text("local all all trust\nhostssl all all all scram-sha-256 clientcert=verify-ca\n", encoding="utf-8")
    postgres.stop()
    postgres.start(ssl="on", ssl_ca_file="root.crt")
    try:
        certificate, key = postgres.authority.pem("client"), postgres.authority.pem("client", "key")
        shown = f", sslcert_pem = '{certificate}', sslkey_pem = '{key}'"
        everview.refuses(f"SELECT * FROM {postgres.table('encrypted')}", 614, "certificate", without=HIDDEN)
        # without TLS this server takes nobody
        for mode in ("allow", "require"):
            equal(everview.ask(f"SELECT * FROM {postgres.table('encrypted', more=f', sslmode = {mode!r}' + shown)}"), "1\n")
        missing = postgres.table("encrypted", more=f", sslcert_pem = '{certificate}'")
        everview.refuses(f"SELECT * FROM {missing}", 614, "key", without=[*HIDDEN, "BEGIN CERT"])
        everview.ask(f"CREATE TABLE shows ENGINE = PostgreSQL{postgres.table('encrypted', more=shown)[len('postgresql'):]}")
        told = everview.ask("SHOW CREATE TABLE shows") + everview.log() + everview.ask("SELECT * FROM system.tables")
        assert "sslkey_pem = \\'[HIDDEN]\\'" in told and key.splitlines()[2] not in told, told
    finally:
        rules.write_text(before, encoding="utf-8")
        postgres.stop()
        postgres.start()


@check
def certificates_are_given_as_contents_and_options_by_name(everview, postgres):
    def refused(code, more, *words):
        everview.refuses(f"SELECT * FROM {postgres.table('filtered', more=more)}", code, *words, without=HIDDEN)
    refused(36, ", sslrootcert = '/etc/passwd'", "sslrootcert_pem")
    refused(36, ", sslmode = 'require', sslmode = 'disable'", "more than once")
    refused(36, ", sslmode = 1", "String")
    refused(47, ", nosuch = 'x'", "nosuch")
    refused(614, ", sslrootcert_pem = 's3cr3t'", "no certificate in PEM")
    everview.ask(f"CREATE NAMED COLLECTION strict AS host = 'localhost', port = {postgres.port}, database = 'postgres', "
                 f"user = '{USER}', password = 'x', sslmode = 'require', table = 'filtered'")
    everview.refuses("SELECT * FROM postgresql(strict)", 614, "TLS")


@check
def times_of_other_zones_are_the_wall_clock_there(everview, postgres):
    postgres.sql(f"ALTER ROLE {USER} SET timezone = 'Asia/Seoul'")
    try:
        equal(everview.ask(f"SELECT tz FROM {postgres.table('filtered')} WHERE i = 1"), "2024-01-01 10:00:00.000000\n")
        select = f"SELECT i FROM {postgres.table('filtered')} WHERE tz < toDateTime64('2024-01-01 12:00:00', 6) ORDER BY i"
        statements = postgres.statements_of(lambda: equal(everview.ask(select), "1\n2\n"))
        assert '"tz"::timestamp < ' in statements[0], statements
    finally:
        postgres.sql(f"ALTER ROLE {USER} RESET timezone")


for common in COMMON:
    check(common)
