CREATE TABLE t (k UInt32, d DateTime('UTC'), x Int64, s String, PROJECTION p (SELECT k, sum(x), count() GROUP BY k), PROJECTION h (WITH toStartOfHour(d) AS hour SELECT hour, s, avg(x), max(x) AS m, uniqExact(k) GROUP BY hour, s)) ENGINE = MergeTree ORDER BY d;
SHOW CREATE TABLE t;
INSERT INTO t SELECT number % 10, toDateTime(number * 60, 'UTC'), number, ['a', 'b', 'c'][number % 3 + 1] FROM numbers(1000);
SELECT k, sum(x), count() FROM t GROUP BY k ORDER BY k SETTINGS force_optimize_projection = 1;
SELECT k, sum(x), count() FROM t GROUP BY k ORDER BY k SETTINGS optimize_use_projections = 0;
SELECT k * 2 AS z, sum(x) + 1 FROM t WHERE k IN (1, 2, 7) GROUP BY z HAVING count() > 1 ORDER BY z SETTINGS force_optimize_projection = 1;
SELECT sum(x) FROM t SETTINGS force_optimize_projection = 1, force_optimize_projection_name = 'p';
SELECT toStartOfHour(d) AS hour, max(x), uniqExact(k) FROM t WHERE s = 'b' GROUP BY hour ORDER BY hour LIMIT 5 SETTINGS force_optimize_projection_name = 'h';
SELECT a.k, sum(a.x) FROM t AS a GROUP BY a.k ORDER BY a.k LIMIT 2 SETTINGS force_optimize_projection = 1;
SELECT k, sum(x) FROM (SELECT k, x FROM t) GROUP BY k ORDER BY k LIMIT 2 SETTINGS force_optimize_projection = 1;
SELECT k, sum(x) FROM t GROUP BY k WITH ROLLUP ORDER BY k LIMIT 2 SETTINGS force_optimize_projection = 1;
SELECT k, sum(x), row_number() OVER (ORDER BY k) FROM t WHERE k < 3 GROUP BY k ORDER BY k SETTINGS force_optimize_projection = 1;
SELECT k, sum(x) FROM t WHERE x > 3 GROUP BY k SETTINGS force_optimize_projection = 1; -- { serverError PROJECTION_NOT_USED }
SELECT x FROM t LIMIT 1 SETTINGS force_optimize_projection = 1; -- { serverError PROJECTION_NOT_USED }
SELECT k, sum(x) FROM t GROUP BY k SETTINGS force_optimize_projection_name = 'q'; -- { serverError INCORRECT_DATA }
SELECT k, sum(x) FROM t GROUP BY k ORDER BY k LIMIT 1 SETTINGS force_optimize_projection = 1, optimize_use_projections = 0;
SELECT 1 SETTINGS force_optimize_projection = 1;
SELECT database, table, name, type, sorting_key, query, settings FROM system.projections WHERE database = currentDatabase() ORDER BY name;
SELECT partition, name, parent_name, active, rows, parent_rows, level FROM system.projection_parts WHERE database = currentDatabase() AND table = 't' ORDER BY name;
ALTER TABLE t UPDATE x = x + 1 WHERE k = 3 SETTINGS mutations_sync = 1;
ALTER TABLE t DELETE WHERE k = 4 SETTINGS mutations_sync = 1;
SELECT k, sum(x), count() FROM t GROUP BY k ORDER BY k SETTINGS force_optimize_projection = 1;
INSERT INTO t SELECT number % 4, toDateTime(number, 'UTC'), 1, 'z' FROM numbers(100);
SELECT k, sum(x), count() FROM t GROUP BY k ORDER BY k SETTINGS force_optimize_projection = 1;
OPTIMIZE TABLE t FINAL;
SELECT k, sum(x), count() FROM t GROUP BY k ORDER BY k SETTINGS force_optimize_projection = 1;
SELECT name, rows, parent_rows FROM system.projection_parts WHERE active AND database = currentDatabase() AND table = 't' ORDER BY name;
ALTER TABLE t CLEAR PROJECTION p SETTINGS mutations_sync = 1;
SELECT name, rows, parent_rows FROM system.projection_parts WHERE active AND database = currentDatabase() AND table = 't' ORDER BY name;
SELECT k, sum(x) FROM t GROUP BY k SETTINGS force_optimize_projection = 1; -- { serverError PROJECTION_NOT_USED }
ALTER TABLE t MATERIALIZE PROJECTION p SETTINGS mutations_sync = 1;
SELECT name, rows, parent_rows FROM system.projection_parts WHERE active AND database = currentDatabase() AND table = 't' ORDER BY name;
SELECT k, sum(x) FROM t GROUP BY k ORDER BY k SETTINGS force_optimize_projection = 1;
ALTER TABLE t CLEAR COLUMN x SETTINGS mutations_sync = 1;
SELECT k, sum(x), count() FROM t GROUP BY k ORDER BY k;
ALTER TABLE t DROP PROJECTION p;
SHOW CREATE TABLE t;
SELECT name FROM system.projections WHERE database = currentDatabase();
