CREATE TABLE t (x UInt32, s String) ENGINE = MergeTree ORDER BY x;
INSERT INTO t VALUES (1, 'a'), (5, 'b'), (7, 'c');
CREATE VIEW v AS SELECT x, s FROM t WHERE x = {p:UInt32};
SHOW CREATE VIEW v;
SELECT * FROM v(p = 5);
SELECT * FROM v(p = 2 + 3);
SELECT * FROM v(p = '5');
SELECT * FROM v(p = 'abc'); -- { serverError BAD_QUERY_PARAMETER }
SELECT * FROM v(p = -1); -- { serverError BAD_QUERY_PARAMETER }
SELECT * FROM v(p = 5, q = 6);
SELECT * FROM v(q = 5); -- { serverError UNKNOWN_QUERY_PARAMETER }
SELECT * FROM v(); -- { serverError UNKNOWN_QUERY_PARAMETER }
SELECT * FROM v(5); -- { serverError UNKNOWN_QUERY_PARAMETER }
SELECT * FROM v(p = NULL); -- { serverError BAD_QUERY_PARAMETER }
SELECT * FROM v; -- { serverError EMPTY_LIST_OF_COLUMNS_QUERIED }
SELECT a.x, b.s FROM v(p = 5) AS a JOIN v(p = 7) AS b ON 1 = 1;
SELECT * FROM default.v(p = 5);
SELECT v.x FROM v(p = 5);
SELECT * FROM nov(p = 5); -- { serverError UNKNOWN_FUNCTION }
SELECT * FROM t(p = 5); -- { serverError UNKNOWN_FUNCTION }
DESCRIBE v; -- { serverError UNSUPPORTED_METHOD }
DESCRIBE TABLE v(p = 5);
SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'v';
CREATE VIEW v2 (a UInt64, b String) AS SELECT x, s FROM t WHERE x = {p:UInt32};
SELECT * FROM v2(p = 5) FORMAT TSVWithNamesAndTypes;
SHOW CREATE VIEW v2;
CREATE VIEW v3 AS SELECT x, {lim:String} AS l FROM t WHERE s IN {arr:Array(String)} AND x > {lo:UInt32};
SELECT * FROM v3(lim = 'z', arr = ['a', 'b'], lo = 0) ORDER BY x;
SELECT * FROM v3(lim = 'it\'s\ta tab', arr = ['a'], lo = 0);
SET param_p = 7;
SELECT * FROM v(p = {p:UInt32});
SELECT * FROM v2(); -- { serverError UNKNOWN_QUERY_PARAMETER }
CREATE VIEW vp AS SELECT x FROM t WHERE x = {p:UInt32};
SELECT * FROM vp(p = 1);
CREATE VIEW outerv AS SELECT * FROM v(p = {z:UInt32});
SELECT * FROM outerv(z = 5);
CREATE VIEW outerw AS SELECT * FROM v(p = 5);
SELECT * FROM outerw;
SHOW CREATE VIEW outerw;
CREATE VIEW numbers AS SELECT x FROM t WHERE x = {p:UInt32};
SELECT * FROM numbers(2);
CREATE VIEW plainv AS SELECT x FROM t;
SELECT * FROM plainv(p = 5); -- { serverError UNKNOWN_FUNCTION }
CREATE VIEW vd AS SELECT x, {d:Nullable(UInt32)} AS n FROM t;
SELECT * FROM vd(d = NULL) ORDER BY x;
SELECT * FROM (SELECT * FROM v(p = 5));
SELECT * FROM t WHERE x IN (SELECT x FROM v(p = 5));
WITH 5 AS k SELECT * FROM v(p = k);
SELECT * FROM v(p = x); -- { serverError UNKNOWN_IDENTIFIER }
SELECT count() FROM v(p = 5) FINAL;
CREATE OR REPLACE VIEW v2 AS SELECT s FROM t WHERE x = {q:UInt32};
SELECT * FROM v2(q = 1);
SELECT x FROM v2(q = 1); -- { serverError UNKNOWN_IDENTIFIER }
CREATE VIEW v6 AS SELECT {a:UInt8} + {b:UInt8} AS c;
SELECT * FROM v6(a = 1, b = 2);
SELECT * FROM v6(a = 300, b = 2);
SELECT * FROM v6(a = rand(), b = 1); -- { serverError UNKNOWN_QUERY_PARAMETER }
SELECT * FROM v6((a = 1), b = 1);
SELECT * FROM v6(a > 1, b = 1); -- { serverError UNKNOWN_QUERY_PARAMETER }
DROP TABLE t;
SELECT * FROM v2(q = 1); -- { serverError UNKNOWN_TABLE }
CREATE VIEW vdt AS SELECT {d:Date} AS d, {e:Float64} AS e;
SELECT * FROM vdt(d = toDate('2024-01-01'), e = 1);
