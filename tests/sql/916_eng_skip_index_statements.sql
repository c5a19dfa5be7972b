CREATE TABLE t (k UInt64, s String, a Array(String), m Map(String, String)) ENGINE = MergeTree ORDER BY k;
INSERT INTO t (k, s) SELECT number, toString(number) FROM numbers(100);
CREATE INDEX i ON t (s) TYPE bloom_filter GRANULARITY 1;
CREATE INDEX i ON t (s) TYPE bloom_filter; -- { serverError ILLEGAL_COLUMN }
CREATE INDEX IF NOT EXISTS i ON t (s) TYPE bloom_filter;
CREATE INDEX j ON t s TYPE minmax GRANULARITY 2;
CREATE INDEX l ON t (s); -- { serverError INCORRECT_QUERY }
ALTER TABLE t MATERIALIZE INDEX i SETTINGS mutations_sync = 1;
SELECT k FROM t WHERE s = '42' SETTINGS force_data_skipping_indices = 'i,j';
ALTER TABLE t CLEAR INDEX i SETTINGS mutations_sync = 1;
SELECT k FROM t WHERE s = '42';
ALTER TABLE t ADD INDEX b1 s TYPE set; -- { serverError INCORRECT_QUERY }
ALTER TABLE t ADD INDEX b2 s TYPE set(-1); -- { serverError INCORRECT_QUERY }
ALTER TABLE t ADD INDEX b3 s TYPE set('x'); -- { serverError INCORRECT_QUERY }
ALTER TABLE t ADD INDEX b5 s TYPE bloom_filter(2); -- { serverError BAD_ARGUMENTS }
ALTER TABLE t ADD INDEX b6 s TYPE bloom_filter(0.1, 2); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
ALTER TABLE t ADD INDEX b7 s TYPE tokenbf_v1(1); -- { serverError BAD_ARGUMENTS }
ALTER TABLE t ADD INDEX b8 k TYPE tokenbf_v1(256, 2, 0); -- { serverError BAD_ARGUMENTS }
ALTER TABLE t ADD INDEX b9 s TYPE ngrambf_v1(0, 256, 2, 0); -- { serverError BAD_ARGUMENTS }
ALTER TABLE t ADD INDEX b10 s TYPE ngrambf_v1(4, 256, 2); -- { serverError BAD_ARGUMENTS }
ALTER TABLE t ADD INDEX b11 m TYPE bloom_filter; -- { serverError ILLEGAL_COLUMN }
ALTER TABLE t ADD INDEX b15 zz TYPE minmax; -- { serverError UNKNOWN_IDENTIFIER }
ALTER TABLE t ADD INDEX b16 s TYPE foo; -- { serverError INCORRECT_QUERY }
ALTER TABLE t ADD INDEX b17 now() TYPE minmax; -- { serverError BAD_ARGUMENTS }
ALTER TABLE t ADD INDEX b18 1 TYPE minmax; -- { serverError INCORRECT_QUERY }
ALTER TABLE t DROP COLUMN s; -- { serverError UNKNOWN_IDENTIFIER }
DROP INDEX x ON t; -- { serverError BAD_ARGUMENTS }
DROP INDEX IF EXISTS x ON t;
DROP INDEX j ON t;
ALTER TABLE t DROP INDEX i, ADD INDEX z (s, k) TYPE set(100) GRANULARITY 3;
SHOW CREATE TABLE t;
SELECT k FROM t WHERE s = '42';
ALTER TABLE t RENAME COLUMN s TO s2;
SHOW CREATE TABLE t;
SELECT k FROM t WHERE s2 = '42';
