CREATE TABLE t (a UInt32, b String, c Nullable(Int32)) ENGINE = MergeTree ORDER BY a;
INSERT INTO t VALUES (1,'x',10),(2,'y',NULL),(3,'x',30),(4,'z',5),(5,'y',7);
CREATE TABLE u (a UInt32, v UInt32) ENGINE = MergeTree ORDER BY a;
INSERT INTO u VALUES (1,100),(1,200),(3,300),(9,900);
SELECT count() FROM t SAMPLE 0.1; -- { serverError SAMPLING_NOT_SUPPORTED }
SELECT b, sum(a) FROM t GROUP BY b WITH ROLLUP WITH TOTALS ORDER BY b;
SELECT b, a > 2 AS g, sum(a), grouping(b), grouping(b, g) FROM t GROUP BY GROUPING SETS ((b), (g), ()) ORDER BY 1, 2, 3;
SELECT t.a, x.a, x.v FROM t ASOF JOIN (SELECT 'x' AS b, a, v FROM u) x ON t.b = x.b AND t.a >= x.a ORDER BY t.a;
SELECT t.a, x.a, x.v FROM t ASOF LEFT JOIN (SELECT 'x' AS b, a, v FROM u) x ON t.b = x.b AND t.a > x.a ORDER BY t.a;
SELECT a <=> c, a IS DISTINCT FROM c, c IS NOT DISTINCT FROM NULL, c IS DISTINCT FROM NULL FROM t ORDER BY a;
SELECT * FROM VALUES('a UInt8', 1, 2) AS v(x);
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(x, y);
SELECT * FROM format(JSONEachRow, '{"a": 1}\n{"a": 1.5, "b": 2}\n{"b":"x"}');
SELECT c1 + 1, c2, toTypeName(c3) FROM format(CSV, '1,"x",2020-01-01\n2,y,2021-01-01');
SELECT sum(a) FROM format(TSVWithNames, 'a\tb\n1\tx\n2\ty');
DESCRIBE TABLE format(TSV, 'true\t2020-01-01 10:00:00\t[1,2]\tabc\t\\N');
SELECT * FROM format(JSONEachRow, ''); -- { serverError CANNOT_EXTRACT_TABLE_STRUCTURE }
SET param_s = 'it\\''s \\t';
SELECT {s:String}, length({s:String});
CREATE TABLE n (id UInt32, `g.id` Array(UInt32), `g.name` Array(String)) ENGINE = MergeTree ORDER BY id;
INSERT INTO n VALUES (1, [1], ['a', 'b']); -- { serverError SIZES_OF_ARRAYS_DONT_MATCH }
INSERT INTO n (id, g.id) VALUES (4, [1, 2]), (5, []);
SELECT * FROM n ORDER BY id;
SELECT 'a\	b', length('a\	b'), length('a\qb'), length('a\
b');
