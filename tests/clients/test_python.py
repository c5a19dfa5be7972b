#!/usr/bin/env python3
"""clickhouse-connect, the Python client, end to end against `everview server`: what users' programs do.

    test_python.py EVERVIEW       needs the packages of requirements.txt; ./test clients makes the environment
"""

import datetime
import decimal
import ipaddress
import sys
import uuid

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError

from serving import check, run_checks, serving

COLUMNS = """a UInt8, b Int64, f Float64, s String, d Date, d32 Date32, dt DateTime('UTC'), dt64 DateTime64(3, 'UTC'),
    dec Decimal(18, 4), u UUID, i4 IPv4, i6 IPv6, e Enum8('x' = 1, 'y' = 2), bo Bool, n Nullable(Int32),
    lc LowCardinality(String), lcn LowCardinality(Nullable(String)), ar Array(String), arn Array(Nullable(UInt8)),
    m Map(String, UInt64), t Tuple(UInt8, String), i128 Int128, u256 UInt256"""

UTC = datetime.timezone.utc

ROWS = [
    (1, -5, 1.5, "hé\t'\n", datetime.date(2020, 1, 2), datetime.date(1950, 1, 2),
     datetime.datetime(2020, 1, 2, 3, 4, 5), datetime.datetime(2020, 1, 2, 3, 4, 5, 123000), decimal.Decimal("12.3456"),
     uuid.UUID(int=5), ipaddress.IPv4Address("1.2.3.4"), ipaddress.IPv6Address("::1"), "y", True, None, "lc", None,
     ["a", "b"], [1, None], {"k": 7, "l": 8}, (3, "z"), -(2**100), 2**200),
    (2, 5, -1e300, "", datetime.date(2100, 1, 2), datetime.date(2150, 1, 2), datetime.datetime(2021, 1, 2, 3, 4, 5),
     datetime.datetime(1965, 1, 2, 3, 4, 5, 5000), decimal.Decimal("-99999999999999.9999"), uuid.UUID(int=2**127),
     ipaddress.IPv4Address("255.2.3.4"), ipaddress.IPv6Address("fe80::1"), "x", False, 7, "lc", "v", [], [], {}, (0, ""),
     2**100, 0),
]


def connect(port, **options):
    return clickhouse_connect.get_client(host="127.0.0.1", port=port, **options)


@check
def it_connects_and_knows_the_server(port):
    client = connect(port)
    assert client.ping() and client.server_version.startswith("26.9.") and str(client.server_tz) == "UTC"


@check
def rows_of_every_common_type_come_back_as_they_went_in(port):
    client = connect(port)
    client.command(f"CREATE TABLE every (%s) ENGINE = MergeTree ORDER BY a" % COLUMNS)
    assert client.insert("every", ROWS).written_rows == 2
    assert client.query("SELECT * FROM every ORDER BY a").result_rows == ROWS


@check
def columns_that_are_left_out_take_their_defaults(port):
    client = connect(port)
    client.command("CREATE TABLE defaults (a UInt8, b UInt8 DEFAULT a + 1, s String) ENGINE = MergeTree ORDER BY a")
    client.insert("defaults", [[1, "x"]], column_names=["a", "s"])
    client.raw_insert("defaults", ["a", "s"], "2\ty\n", fmt="TabSeparated")
    assert client.query("SELECT * FROM defaults ORDER BY a").result_rows == [(1, 2, "x"), (2, 3, "y")]


@check
def bodies_are_compressed_in_every_way_the_client_has(port):
    plain = connect(port)
    plain.command("CREATE TABLE packed (a UInt32, s String) ENGINE = MergeTree ORDER BY a")
    for count, coding in enumerate(["lz4", "zstd", "gzip", True, False]):
        client = connect(port, compress=coding)
        client.insert("packed", [[n, f"row {n} " * 20] for n in range(20_000)])
        rows = client.query("SELECT a, s FROM packed ORDER BY a").result_rows
        assert len(rows) == 20_000 * (count + 1) and rows[-1] == (19_999, "row 19999 " * 20), coding


@check
def parameters_and_settings_arrive(port):
    client = connect(port)
    rows = client.query("SELECT {n:UInt8} + 1, {s:String}, {l:Array(String)}",
                        parameters={"n": 5, "s": "it's \\", "l": ["a'b", "c"]}).result_rows
    assert rows == [(6, "it's \\", ["a'b", "c"])], rows
    assert client.query("SELECT %(s)s", parameters={"s": "it's"}).result_rows == [("it's",)]
    assert client.query("SELECT getSetting('max_threads')", settings={"max_threads": 3}).result_rows == [(3,)]


@check
def large_answers_are_streamed(port):
    client, rows, blocks = connect(port), 0, 0
    with client.query_row_block_stream("SELECT number FROM numbers(300000)") as stream:
        for block in stream:
            rows, blocks = rows + len(block), blocks + 1
    assert rows == 300_000 and blocks > 1


@check
def errors_have_clickhouse_codes(port):
    client = connect(port)
    for statement, code in [("SELECT nosuch", 47), ("SELECT * FROM nosuch", 60), ("SELEC 1", 62)]:
        try:
            client.query(statement)
            raise AssertionError(f"{statement} succeeded")
        except DatabaseError as error:
            assert f"code: {code}" in str(error).lower(), str(error)


@check
def views_are_right_when_the_insert_is_answered(port):
    client = connect(port)
    client.command("CREATE TABLE clicks (shop UInt32, price UInt32) ENGINE = MergeTree ORDER BY shop")
    client.command("CREATE MATERIALIZED VIEW sales ENGINE = SummingMergeTree ORDER BY shop AS "
                   "SELECT shop, sum(price) AS price FROM clicks GROUP BY shop")
    for _ in range(3):
        client.insert("clicks", [[1, 10], [2, 5], [1, 1]])
    rows = client.query("SELECT shop, sum(price) FROM sales GROUP BY shop ORDER BY shop").result_rows
    assert rows == [(1, 33), (2, 15)]


@check
def a_session_keeps_its_settings(port):
    client = connect(port, session_id="one")
    client.command("SET max_block_size = 1234")
    assert client.query("SELECT getSetting('max_block_size')").result_rows == [(1234,)]


@check
def summaries_count(port):
    client = connect(port)
    client.command("CREATE TABLE counted (a UInt8) ENGINE = MergeTree ORDER BY a")
    assert client.insert("counted", [[n] for n in range(5)]).summary["written_rows"] == "5"
    summary = client.query("SELECT sum(a) FROM counted").summary
    assert summary["read_rows"] == "5" and summary["result_rows"] == "1", summary


if __name__ == "__main__":
    with serving(sys.argv[1]) as port:
        sys.exit(run_checks(port))
