CREATE TABLE t (a UInt32, s String, INDEX i1 s TYPE bloom_filter GRANULARITY 2) ENGINE = MergeTree ORDER BY a;
INSERT INTO t SELECT number, toString(number) FROM numbers(1000);
ALTER TABLE t ADD INDEX i2 a TYPE set(100) GRANULARITY 3 FIRST, ADD INDEX i3 s TYPE tokenbf_v1(256, 2, 0) AFTER i2;
ALTER TABLE t ADD INDEX i2 a TYPE minmax; -- { serverError ILLEGAL_COLUMN }
ALTER TABLE t ADD INDEX IF NOT EXISTS i2 a TYPE minmax;
ALTER TABLE t ADD INDEX i4 a TYPE ngrambf_v1(3, 256, 2, 0); -- { serverError BAD_ARGUMENTS }
SELECT name, type, type_full, expr, granularity FROM system.data_skipping_indices WHERE database = currentDatabase() AND table = 't';
SELECT a FROM t WHERE s = '77';
SELECT count() FROM t WHERE s IN ('1', 'x') OR a = 999;
ALTER TABLE t MATERIALIZE INDEX i3;
ALTER TABLE t DROP INDEX i1, DROP INDEX i2;
ALTER TABLE t ADD COLUMN c UInt32, ADD COLUMN e UInt32, MODIFY ORDER BY (a, c, intHash32(e));
INSERT INTO t VALUES (1, 'z', 5, 6);
SELECT * FROM t WHERE a = 1 ORDER BY c;
OPTIMIZE TABLE t FINAL;
SELECT * FROM t WHERE a = 1 ORDER BY c;
ALTER TABLE t DROP COLUMN c; -- { serverError ALTER_OF_COLUMN_IS_FORBIDDEN }
ALTER TABLE t MODIFY ORDER BY a;
ALTER TABLE t DROP COLUMN c;
SELECT a, s, e FROM t WHERE a = 1 ORDER BY e;
SELECT sorting_key, primary_key FROM system.tables WHERE database = currentDatabase() AND name = 't';
