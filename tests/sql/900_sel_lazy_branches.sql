-- An operand that can fail is evaluated only for the rows that reach it.
SELECT if(number = 0, 0, intDiv(1, number)) FROM numbers(3);
SELECT multiIf(number = 0, 0, number = 1, intDiv(10, number), intDiv(1, number - 1)) FROM numbers(4);
SELECT CASE WHEN number = 0 THEN 0 ELSE intDiv(1, number) END FROM numbers(3);
SELECT number != 0 AND intDiv(1, number) = 1, number = 0 OR intDiv(1, number) = 1 FROM numbers(3);
SELECT number FROM numbers(3) WHERE number != 0 AND intDiv(1, number) = 1;
SELECT number FROM numbers(3) WHERE number = 0 OR intDiv(1, number) = 1;
SELECT number FROM numbers(3) WHERE intDiv(1, number) = 1 AND number != 0;
SELECT x FROM (SELECT number AS x FROM numbers(3) WHERE number != 0) WHERE intDiv(2, x) = 1;
SELECT number FROM numbers(5) GROUP BY number HAVING number != 0 AND intDiv(4, number) > 1 ORDER BY number;
SELECT arrayMap(x -> if(x = 0, 0, intDiv(1, x)), range(number)) FROM numbers(4);
SELECT arrayFilter(x -> x != 0 AND intDiv(10, x) > 3, range(number)) FROM numbers(6);
SELECT arrayMap(x -> if(number = 0, 0, intDiv(1, number)), [1]) FROM numbers(2);
SELECT if(number = 0, 0, intDiv(1, number)) AS a, number != 0 AND intDiv(1, number) AS b FROM numbers(3);
SELECT if(number = 0, true, intDiv(1, number)::Bool) FROM numbers(3);
SELECT s != '' AND toUInt32(s) > 10, empty(s) OR toUInt32(s) > 20 FROM values('s String', ('12'), (''));
SELECT number != 0 AND intDiv(1, number) = 1 AND throwIf(number > 1) = 0 FROM numbers(3);
-- NULL conditions
SELECT if(number = 0, NULL, number) AS n, n > 1 AND intDiv(4, n) > 1, n < 2 OR intDiv(4, n) > 1 FROM numbers(4);
SELECT CASE if(number = 0, NULL, number) WHEN NULL THEN 'n' WHEN 1 THEN 'a' ELSE 'b' END FROM numbers(3);
SELECT CASE if(number = 0, NULL, number) WHEN 1 THEN 'a' ELSE 'b' END FROM numbers(3);
SELECT if(NULL, 1, 2), if(materialize(toNullable(0)), 1, 2), multiIf(NULL, 1, NULL, 2, 3);
-- what is reached fails
SELECT number = 0 AND intDiv(1, number) FROM numbers(3); -- { serverError ILLEGAL_DIVISION }
SELECT if(number = 0, intDiv(1, number), 0) FROM numbers(3); -- { serverError ILLEGAL_DIVISION }
SELECT if(number, 1, 2) FROM numbers(2); -- { serverError ILLEGAL_TYPE_OF_ARGUMENT }
-- in tables and views
CREATE TABLE t (a UInt32, b Nullable(UInt32)) ENGINE = MergeTree ORDER BY a;
CREATE TABLE d (a UInt32, q UInt32) ENGINE = MergeTree ORDER BY a;
CREATE MATERIALIZED VIEW mv TO d AS SELECT a, if(a = 0, 0, intDiv(100, a)) AS q FROM t;
INSERT INTO t VALUES (0, NULL), (1, 0), (2, 5);
SELECT * FROM d ORDER BY a;
SELECT a FROM t WHERE b != 0 AND intDiv(10, b) = 2;
SELECT a FROM t PREWHERE a > 0 WHERE intDiv(10, a) = 5;
SELECT t.a FROM t JOIN d ON t.a = d.a WHERE d.q != 0 AND intDiv(100, d.q) = 1 ORDER BY 1;
