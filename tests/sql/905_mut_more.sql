CREATE TABLE t (d Date, k UInt32, v UInt32, s String) ENGINE = MergeTree PARTITION BY toYYYYMM(d) ORDER BY k SETTINGS index_granularity = 4;
INSERT INTO t SELECT toDate('2025-01-01') + number * 3, number, number * 10, concat('s', toString(number)) FROM numbers(40);
ALTER TABLE t UPDATE v = v + 1, s = concat(s, '!') WHERE k BETWEEN 5 AND 8;
SELECT k, v, s FROM t WHERE k BETWEEN 4 AND 9 ORDER BY k;
ALTER TABLE t UPDATE v = k, s = toString(v) WHERE k = 10;
SELECT k, v, s FROM t WHERE k = 10;
ALTER TABLE t UPDATE v = (SELECT sum(number) FROM numbers(4)) WHERE k IN (SELECT number FROM numbers(3));
SELECT k, v FROM t WHERE k < 5 ORDER BY k;
ALTER TABLE t DELETE WHERE s LIKE 's3%' OR v IS NULL;
SELECT count(), sum(k) FROM t;
ALTER TABLE t UPDATE v = CAST('7', 'UInt32') WHERE has([1, 2], k);
ALTER TABLE t UPDATE s = if(k % 2 = 0, 'even', 'odd') WHERE d < '2025-01-20';
SELECT k, s FROM t WHERE d < '2025-01-20' ORDER BY k;
ALTER TABLE t DELETE WHERE 0;
ALTER TABLE t DELETE WHERE NULL;
SELECT count() FROM t;
SELECT partition, sum(rows) FROM system.parts WHERE database = currentDatabase() AND table = 't' AND active GROUP BY partition HAVING sum(rows) > 0 ORDER BY partition;
ALTER TABLE t DELETE; -- { serverError SYNTAX_ERROR }
ALTER TABLE t UPDATE v = 1; -- { serverError SYNTAX_ERROR }
DELETE FROM t; -- { serverError SYNTAX_ERROR }
ALTER TABLE t UPDATE v = 'abc' WHERE 1; -- { serverError CANNOT_PARSE_TEXT }
ALTER TABLE t UPDATE v = NULL WHERE 1; -- { serverError CANNOT_CONVERT_TYPE }
ALTER TABLE t DELETE WHERE count() > 1; -- { serverError ILLEGAL_AGGREGATION }
ALTER TABLE t UPDATE v = nope WHERE 1; -- { serverError UNKNOWN_IDENTIFIER }
ALTER TABLE nope DELETE WHERE 1; -- { serverError UNKNOWN_TABLE }
ALTER TABLE t DELETE WHERE rand() < 0;
TRUNCATE TABLE t;
SELECT count() FROM t;
CREATE TABLE n (k UInt32, v Nullable(UInt32), a Array(UInt32), m Map(String, UInt32), t Tuple(x UInt8, y String)) ENGINE = MergeTree ORDER BY k;
INSERT INTO n VALUES (1, NULL, [1], {'a': 1}, (1, 'p')), (2, 5, [], {}, (2, 'q'));
ALTER TABLE n UPDATE v = NULL, a = arrayPushBack(a, 9), m = mapUpdate(m, map('z', toUInt32(5))) WHERE k = 2;
ALTER TABLE n UPDATE v = ifNull(v, 0) + 1 WHERE v IS NULL;
SELECT * FROM n ORDER BY k;
ALTER TABLE n DELETE WHERE t.x = 1;
SELECT * FROM n ORDER BY k;
