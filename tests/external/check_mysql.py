"""`mysql()` and ENGINE = MySQL against a real MariaDB. Types and values are those that the real engine gives for the same
tables, but where a comment says otherwise."""

import contextlib

import conditions
from certificates import Authority
from database import COMMON, HIDDEN, filters_change_no_answer
from frame import Checks, equal
from mariadb_server import DATABASE, MariaDb

CHECKS = check = Checks()


@contextlib.contextmanager
def sources():
    mariadb = MariaDb()
    try:
        yield (mariadb,)
    finally:
        mariadb.remove()


# column, type there, type here, value there, value here
TYPES = [
    ("id", "int NOT NULL PRIMARY KEY", "Int32", "1", "1"),
    ("t1", "tinyint", "Nullable(Int8)", "-128", "-128"),
    ("t1u", "tinyint unsigned", "Nullable(UInt8)", "255", "255"),
    ("flag", "tinyint(1) NOT NULL", "Int8", "1", "1"),
    ("su", "smallint unsigned", "Nullable(UInt16)", "65535", "65535"),
    ("m", "mediumint", "Nullable(Int32)", "-8388608", "-8388608"),
    ("mu", "mediumint unsigned", "Nullable(UInt32)", "16777215", "16777215"),
    ("iu", "int unsigned", "Nullable(UInt32)", "4294967295", "4294967295"),
    ("iz", "int zerofill", "Nullable(Int32)", "42", "42"),
    ("b", "bigint", "Nullable(Int64)", "-9223372036854775808", "-9223372036854775808"),
    ("bu", "bigint unsigned", "Nullable(UInt64)", "18446744073709551615", "18446744073709551615"),
    ("f", "float", "Nullable(Float32)", "1234567.9", "1234570"),
    ("d", "double", "Nullable(Float64)", "-1.5e300", "-1.5e300"),
    ("n", "decimal", "Nullable(Decimal(10, 0))", "123", "123"),
    ("n9", "decimal(9,2)", "Nullable(Decimal(9, 2))", "-1234567.89", "-1234567.89"),
    ("n65", "decimal(65,30)", "Nullable(Decimal(65, 30))", "1" * 35 + "." + "2" * 30, "1" * 35 + "." + "2" * 30),
    ("da", "date", "Nullable(Date32)", "'1000-01-01'", "1000-01-01"),
    ("da0", "date NOT NULL", "Date32", "'0000-00-00'", "1970-01-01"),
    ("dal", "date", "Nullable(Date32)", "'9999-12-31'", "9999-12-31"),
    ("ti", "time(6)", "Nullable(String)", "'-838:59:59'", "-838:59:59.000000"),
    ("dt", "datetime", "Nullable(DateTime64(0))", "'1969-12-31 23:59:59'", "1969-12-31 23:59:59"),
    ("dt3", "datetime(3)", "Nullable(DateTime64(3))", "'2024-02-29 12:34:56.789'", "2024-02-29 12:34:56.789"),
    ("dt0", "datetime(3)", "Nullable(DateTime64(3))", "'0000-00-00'", "1970-01-01 00:00:00.000"),
    ("ts", "timestamp NULL", "Nullable(DateTime)", "'2038-01-19 03:14:07'", "2038-01-19 03:14:07"),
    ("ts0", "timestamp NULL", "Nullable(DateTime)", "'0000-00-00 00:00:00'", "1970-01-01 00:00:00"),
    ("ts6", "timestamp(6) NULL", "Nullable(DateTime64(6))", "'1970-01-01 00:00:01.5'", "1970-01-01 00:00:01.500000"),
    ("y", "year", "Nullable(String)", "2155", "2155"),
    ("c", "char(5)", "Nullable(String)", "'ch  '", "ch"),
    ("vc", "varchar(50)", "Nullable(String)", r"'a\tb\nc\\d ünï \'q\' \\N 🦆'", r"a\tb\nc\\d ünï \'q\' \\N 🦆"),
    ("latin", "varchar(5) CHARACTER SET latin1", "Nullable(String)", "'é'", "é"),
    ("none", "varchar(5) NOT NULL", "String", "''", ""),
    ("bin", "binary(4)", "Nullable(FixedString(4))", "'ab'", r"ab\0\0"),
    ("blo", "longblob", "Nullable(String)", r"X'007E5C'", r"\0~\\"),
    ("tx", "longtext", "Nullable(String)", "'long'", "long"),
    ("e", "enum('a','b''c','ü')", "Nullable(String)", r"'b\'c'", r"b\'c"),
    ("s", "set('x','y')", "Nullable(String)", "'x,y'", "x,y"),
    ("js", "json", "Nullable(String)", """'{"a": [1, 2]}'""", '{"a": [1, 2]}'),
    ("bi", "bit(1)", "Nullable(UInt64)", "b'1'", "1"),
    ("bi12", "bit(12) NOT NULL", "UInt64", "b'101010101010'", "2730"),
    ("bi64", "bit(64)", "Nullable(UInt64)", "X'FFFFFFFFFFFFFFFF'", "18446744073709551615"),
    ("u", "uuid", "Nullable(String)", "'61f0c404-5cb3-11e7-907b-a6006ad3dba0'", "61f0c404-5cb3-11e7-907b-a6006ad3dba0"),
    # the real engine has Point; there are no geometric types here, so its bytes come
    ("p", "point NOT NULL", "String", "ST_GeomFromText('POINT(0 0)')", r"\0\0\0\0\x01\x01" + r"\0" * 19),
]


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


@check
def every_type_is_the_real_engine_s_and_every_value_comes(everview, mariadb):
    columns = ", ".join(f"{quoted(name)} {there}" for name, there, *_ in TYPES)
    mariadb.sql("SET sql_mode = 'ALLOW_INVALID_DATES'", f"USE {DATABASE}", f"CREATE TABLE every ({columns})",
                f"INSERT INTO every VALUES ({', '.join(value for *_, value, _ in TYPES)})",
                "INSERT INTO every (id, flag, da0, none, bi12, p) "
                "VALUES (2, 0, '1969-12-31', 'x', 0, ST_GeomFromText('POINT(0 0)'))")
    described = everview.rows(f"DESCRIBE {mariadb.table('every')}")
    equal([row[:2] for row in described], [[name, here] for name, _, here, *_ in TYPES])
    first, second = everview.ask(f"SELECT * FROM {mariadb.table('every')} ORDER BY id").splitlines()
    here = [value.replace(r"\x01", "\x01") for *_, value in TYPES]
    equal(first.split("\t"), here)
    given = {"id": "2", "flag": "0", "da0": "1969-12-31", "none": "x", "bi12": "0", "p": here[-1]}
    equal(second.split("\t"), [given.get(name, r"\N") for name, *_ in TYPES])


@check
def a_query_s_types_are_the_real_engine_s(everview, mariadb):
    query = """query('SELECT t1u, iu, iz, bu, f, n9, da, dt3, ts, ts6, y, bin, blo, tx, e, s, bi12, js, 1 AS one, now() AS t,
        count(*) OVER () AS c, concat(1, 2) AS cc, 1.5 AS d, NULL AS nothing FROM every')"""
    there = {name: here for name, _, here, *_ in TYPES}
    # not what they are in a table: the real engine's answers
    there |= {"iz": "Nullable(UInt32)", "bin": "Nullable(String)"}
    names = "t1u iu iz bu f n9 da dt3 ts ts6 y bin blo tx e s".split()
    types = [*(there[name] for name in names), "Nullable(UInt64)", "Nullable(String)", "Int32", "DateTime64(0)", "Int64",
             "Nullable(String)", "Decimal(2, 1)", "Nullable(String)"]
    equal([row[1] for row in everview.rows(f"DESCRIBE {mariadb.table(query)}")], types)


@check
def dates_that_no_calendar_has(everview, mariadb):
    mariadb.sql("SET sql_mode = 'ALLOW_INVALID_DATES'", f"USE {DATABASE}", "CREATE TABLE dates (i int, d date, t datetime)",
                "INSERT INTO dates VALUES (1, '2024-02-30', '2024-02-30 01:00'), (2, '2024-00-10', '2024-00-10')")
    equal(everview.ask(f"SELECT * FROM {mariadb.table('dates')} ORDER BY i"),
          "1\t2024-03-01\t2024-03-01 01:00:00\n2\t1970-01-01\t1900-01-01 00:00:00\n")


@check
def names_with_quotes_views_and_empty_tables(everview, mariadb):
    mariadb.sql(f"USE {DATABASE}", "CREATE TABLE `t``q` (`a``b` int, `select` text)", "INSERT INTO `t``q` VALUES (1, 'x')",
                "CREATE TABLE nothing (i int)", "CREATE VIEW seen AS SELECT id, vc FROM every WHERE id = 1")
    equal(everview.ask(f"SELECT `a\\`b`, `select` FROM {mariadb.table('t`q')}"), "1\tx\n")
    equal(everview.ask(f"SELECT * FROM {mariadb.table('nothing')}"), "")
    equal(everview.ask(f"SELECT count() FROM {mariadb.table('nothing')}"), "0\n")
    equal(everview.ask(f"SELECT id FROM {mariadb.table('seen')}"), "1\n")


def filtered(mariadb):
    mariadb.sql(
        f"USE {DATABASE}",
        "DROP TABLE IF EXISTS filtered",
        "CREATE TABLE filtered (i int, t varchar(20), l varchar(20) CHARACTER SET latin1, n decimal(10,2), f float, g double, "
        "d date, dt datetime(3), ts timestamp NULL, b bit(1), e enum('a','z','m'), bin binary(4), maybe int unsigned)",
        "INSERT INTO filtered SELECT seq, concat('v', seq), concat('v', seq), seq * 1.5, seq / 3, seq / 3, "
        "'1969-12-01' + INTERVAL seq DAY, '1969-12-31 12:00:00' + INTERVAL seq HOUR, "
        "'2024-01-01' + INTERVAL seq HOUR, seq % 2, elt(seq % 3 + 1, 'a', 'z', 'm'), char(64 + seq % 26), "
        "if(seq % 3 = 0, seq, NULL) FROM seq_1_to_100",
        # equal to others under the collation of the column, and not to us
        "INSERT INTO filtered (i, t, l) VALUES (101, 'V7', 'V7'), (102, 'v7 ', 'v7 '), (103, '', '')")


# condition; what the server is asked, or None where the condition must stay here
CONDITIONS = [
    ("i = 5", "`i` = 5"),
    ("i > 98 AND i <= 100", "`i` <= 100"),
    ("i != 5", "`i` != 5"),
    ("i IN (1, 2, 300)", "`i` IN ("),
    ("t = 'v7'", "`t` = 'v7'"),
    ("t != 'v7'", "CAST(`t` AS BINARY) != X'7637'"),
    ("t >= 'v98'", "CAST(`t` AS BINARY) >= X'763938'"),
    ("l = 'V7'", "`l` = 'V7'"),
    ("l != 'v7'", None),
    ("t = '\\'; DROP TABLE filtered; -- \\\\'", "`t` = '\\'; DROP TABLE filtered; -- \\\\'"),
    ("g < 10", "`g` < "),
    ("g = 3.0", None),
    ("d < toDate32('1970-01-01')", "`d` < '1970-01-01'"),
    ("dt < toDateTime64('1970-01-01 00:00:00.500', 3)", "`dt` < '1970-01-01 00:00:00.500'"),
    ("ts = toDateTime('2024-01-01 05:00:00')", "`ts` = '2024-01-01 05:00:00'"),
    ("b = 1", "`b` = 1"),
    ("e = 'm'", "`e` = 'm'"),
    ("e > 'b'", None),
    ("maybe > 90", "`maybe` > 90"),
    ("lower(t) = 'v7'", None),
    ("i + 1 = 6", None),
    ("i = 5 OR i = 6", "`i` IN (5, 6)"),
    ("i = 5 OR t = 'v6'", "(`i` = 5 OR `t` = 'v6')"),
    ("maybe IS NULL AND i > 90", "`maybe` IS NULL"),
    ("maybe IS NOT NULL AND i > 90", "`maybe` IS NOT NULL"),
    ("n > toDecimal64(100.5, 2)", "`n` > 100.5"),
    ("bin = toFixedString('B', 4)", "`bin` = X'42000000'"),
    ("i > 98 AND concat(t, 'x') = 'v99x'", "`i` > 98"),
]


@check
def filters_go_along_and_change_no_answer(everview, mariadb):
    filtered(mariadb)
    filters_change_no_answer(everview, mariadb, CONDITIONS)


@check
def conditions_at_random_lose_no_row(everview, mariadb):
    filtered(mariadb)
    mariadb.sql(f"USE {DATABASE}", "CREATE TABLE edges AS SELECT * FROM filtered",
                "INSERT INTO edges (i, t, l, n, f, g, dt, d, e) VALUES "
                "(104, 'ä', 'ä', -1.5, -0.25, -0.25, '1969-12-31 23:59:59.999', '1969-12-31', 'a'), "
                "(105, 'a ', 'A', 0, 100.5, 100.5, '1970-01-01 00:00:00.001', '1970-01-01', 'm'), "
                "(106, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
    numbers = dict.fromkeys(["i", "n", "f", "g", "b", "maybe"], conditions.NUMBERS)
    texts = dict.fromkeys(["t", "l", "e"], conditions.TEXTS)
    times = {"d": conditions.DATES, "dt": conditions.TIMES, "ts": conditions.INSTANTS}
    conditions.compare(everview, mariadb, "edges_here", mariadb.table("edges"), {**numbers, **texts, **times})


@check
def only_the_columns_and_rows_that_are_needed_are_asked_for(everview, mariadb):
    def asked(statement):
        return mariadb.statements_of(lambda: everview.ask(statement))[0]
    table = mariadb.table("filtered")
    assert " LIMIT 3" in asked(f"SELECT t, i FROM {table} LIMIT 3")
    equal(asked(f"SELECT t, i FROM {table} FORMAT Null").split(" FROM ")[0].count("`"), 4)
    assert "LIMIT" not in asked(f"SELECT i FROM {table} WHERE lower(t) = 'v7' LIMIT 1")
    assert "count(*)" in asked(f"SELECT count() FROM {table}")
    equal(everview.ask(f"SELECT count() FROM {table}"), "103\n")


@check
def rows_are_streamed(everview, mariadb):
    mariadb.sql(f"USE {DATABASE}", "CREATE VIEW many AS SELECT seq AS i, repeat('x', 100) AS t FROM seq_1_to_300000")
    equal(everview.ask(f"SELECT count(), sum(i), sum(length(t)) FROM {mariadb.table('many')}", max_memory_usage=40000000),
          "300000\t45000150000\t30000000\n")


@check
def rows_are_written(everview, mariadb):
    mariadb.sql(f"USE {DATABASE}", "CREATE TABLE written (a int PRIMARY KEY, t text, n decimal(10,2), at datetime(3), b blob)")
    table = mariadb.table("written")
    everview.ask(f"INSERT INTO FUNCTION {table} VALUES "
                 "(1, 'a\\tb\\\\ ü \\'q\\'', 1.5, '1960-01-01 01:02:03.123', unhex('00FF5C27'))")
    everview.ask(f"INSERT INTO FUNCTION {table} (a, t) VALUES (2, NULL)")
    equal(mariadb.sql(f"USE {DATABASE}", "SELECT a, hex(t), n, at, hex(b) FROM written ORDER BY a"),
          "1\t6109625C20C3BC20277127\t1.50\t1960-01-01 01:02:03.123\t00FF5C27\n2\tNULL\tNULL\tNULL\tNULL")
    # all rows of an INSERT or none
    everview.refuses(f"INSERT INTO FUNCTION {table} (a, t) VALUES (3, 'c'), (2, 'b')", 1000, "Duplicate", without=HIDDEN)
    equal(mariadb.sql(f"USE {DATABASE}", "SELECT count(*) FROM written"), "2")
    everview.ask(f"INSERT INTO FUNCTION {mariadb.table('written', more=', 1')} (a, t) VALUES (2, 'replaced')")
    more = ", 0, 'UPDATE t = concat(t, \\'!\\')'"
    everview.ask(f"INSERT INTO FUNCTION {mariadb.table('written', more=more)} (a, t) VALUES (2, 'x'), (3, 'three')")
    equal(mariadb.sql(f"USE {DATABASE}", "SELECT a, t FROM written WHERE a > 1 ORDER BY a"), "2\treplaced!\n3\tthree")
    both = mariadb.table("written", more=", 1, 'UPDATE t = 1'")
    everview.refuses(f"INSERT INTO FUNCTION {both} (a) VALUES (1)", 36, without=HIDDEN)
    everview.ask(f"CREATE TABLE writing ENGINE = MySQL{table[len('mysql'):]}")
    everview.ask("INSERT INTO writing (a, at) VALUES (4, '2024-01-01 00:00:00.5')")
    equal(everview.ask("SELECT at FROM writing WHERE a = 4"), "2024-01-01 00:00:00.500\n")
    everview.ask(f"INSERT INTO FUNCTION {table} (a, t) SELECT number, toString(number) FROM numbers(10, 100000)")
    equal(mariadb.sql(f"USE {DATABASE}", "SELECT count(*), min(a), max(a) FROM written WHERE a >= 10"), "100000\t10\t100009")


@check
def a_select_changes_nothing_there(everview, mariadb):
    mariadb.sql(f"USE {DATABASE}", "CREATE TABLE marks (a int)", "DELIMITER //\nCREATE FUNCTION mark() RETURNS int MODIFIES "
                "SQL DATA BEGIN INSERT INTO marks VALUES (1); RETURN 1; END//\nDELIMITER ",
                "CREATE VIEW marking AS SELECT mark() AS a")
    # the view cannot even be described in a session that only reads
    everview.refuses(f"SELECT * FROM {mariadb.table('marking')}", 60)
    equal(mariadb.sql(f"USE {DATABASE}", "SELECT count(*) FROM marks"), "0")


@check
def connections_are_encrypted_where_the_server_can(everview, mariadb):
    mariadb.sql(f"USE {DATABASE}", "CREATE VIEW encrypted AS SELECT variable_value != '' AS v FROM "
                "information_schema.session_status WHERE variable_name = 'SSL_CIPHER'")
    good, bad = mariadb.authority, Authority(mariadb.folder / "other", "bad")

    def table(authority=None, host="localhost", more=""):
        more += f", ssl_ca_pem = '{authority.pem()}'" if authority else ""
        return mariadb.table("encrypted", more=more).replace("127.0.0.1", host)
    mariadb.stop()
    mariadb.start(**{"ssl": 0})
    equal(everview.ask(f"SELECT * FROM {table()}"), "0\n")
    # the real engine goes on in clear text, and takes any certificate: here who names an authority gets what it says
    everview.refuses(f"SELECT * FROM {table(good)}", 279, "SSL", without=HIDDEN)
    mariadb.stop()
    names = {"cert": "server.crt", "key": "server.key", "ca": "good.crt"}
    mariadb.start(**{f"ssl-{name}": mariadb.folder / file for name, file in names.items()})
    equal(everview.ask(f"SELECT * FROM {table()}"), "1\n")
    equal(everview.ask(f"SELECT * FROM {table(good)}"), "1\n")
    everview.refuses(f"SELECT * FROM {table(bad)}", 279, "UnknownIssuer", without=HIDDEN)
    everview.refuses(f"SELECT * FROM {table(good, host='127.0.0.1')}", 279, "not valid for name", without=HIDDEN)
    good.sign("client", "reader")
    certificate, key = good.pem("client"), good.pem("client", "key")
    mariadb.sql(f"CREATE USER 'shown'@'127.0.0.1' IDENTIFIED BY 'x' REQUIRE X509", "GRANT ALL ON *.* TO 'shown'@'127.0.0.1'")
    shown = f"mysql('127.0.0.1:{mariadb.port}', '{DATABASE}', 'encrypted', 'shown', 'x'"
    everview.refuses(f"SELECT * FROM {shown})", 279, "shown")
    shown += f", ssl_cert_pem = '{certificate}', ssl_key_pem = '{key}')"
    equal(everview.ask(f"SELECT * FROM {shown}"), "1\n")
    everview.refuses(f"SELECT * FROM {table(more=', ssl_ca = ' + repr('/etc/passwd'))}", 36, "ssl_ca_pem")
    everview.refuses(f"SELECT * FROM {table(more=', sslmode = ' + repr('require'))}", 47, "sslmode")
    everview.refuses(f"SELECT * FROM {table(more=', ssl_ca_pem = ' + repr('s3cr3t'))}", 279, "PEM", without=HIDDEN)
    everview.ask(f"CREATE TABLE shows ENGINE = MySQL{shown[len('mysql'):]}")
    told = everview.ask("SHOW CREATE TABLE shows") + everview.log()
    assert "ssl_key_pem = \\'[HIDDEN]\\'" in told and key.splitlines()[2] not in told, told
    mariadb.stop()
    mariadb.start()


@check
def times_of_other_zones_are_the_wall_clock_there(everview, mariadb):
    mariadb.sql("SET GLOBAL time_zone = '+09:00'")
    try:
        equal(everview.ask(f"SELECT ts, dt FROM {mariadb.table('filtered')} WHERE i = 1"),
              "2024-01-01 10:00:00\t1969-12-31 13:00:00.000\n")
        select = f"SELECT i FROM {mariadb.table('filtered')} WHERE ts < toDateTime('2024-01-01 12:00:00') ORDER BY i"
        statements = mariadb.statements_of(lambda: equal(everview.ask(select), "1\n2\n"))
        assert "CAST(`ts` AS DATETIME(6)) < " in statements[0], statements
    finally:
        mariadb.sql("SET GLOBAL time_zone = '+00:00'")


for common in COMMON:
    check(common)
