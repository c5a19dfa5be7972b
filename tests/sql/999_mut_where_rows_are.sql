CREATE TABLE m (k UInt8, v UInt8) ENGINE = MergeTree PARTITION BY k % 2 ORDER BY k;
INSERT INTO m VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO m VALUES (4, 4), (5, 5);
ALTER TABLE m DELETE WHERE _part = 'nosuch';
ALTER TABLE m DELETE WHERE _partition_id = '0' AND k > 2;
SELECT k FROM m ORDER BY k;
ALTER TABLE m UPDATE v = v + 10 WHERE _partition_id = '1';
ALTER TABLE m UPDATE v = v + length(_partition_id) WHERE _part LIKE '0\_%' AND k IN (SELECT 2);
SELECT k, v FROM m ORDER BY k;
DELETE FROM m WHERE _partition_id = '1' AND _part_offset = 1;
SELECT k FROM m ORDER BY k;
DELETE FROM m WHERE _part LIKE '0\_%';
SELECT k FROM m ORDER BY k;
ALTER TABLE m DELETE WHERE _partition_id = '1', UPDATE v = 0 WHERE 1;
SELECT count() FROM m;
ALTER TABLE m DELETE WHERE _nosuch = 1; -- { serverError UNKNOWN_IDENTIFIER }
CREATE TABLE t (k UInt8) ENGINE = MergeTree ORDER BY k;
CREATE TABLE s (k UInt8) ENGINE = MergeTree ORDER BY k;
CREATE MATERIALIZED VIEW mv TO t AS SELECT k FROM s;
INSERT INTO s VALUES (1);
ALTER TABLE mv DELETE WHERE k = 1; -- { serverError INCORRECT_QUERY }
ALTER TABLE mv DROP PARTITION tuple(); -- { serverError INCORRECT_QUERY }
SELECT * FROM mv;
CREATE TABLE e (id UInt8, raw String EPHEMERAL, h String DEFAULT hex(raw)) ENGINE = MergeTree ORDER BY id;
INSERT INTO e (id, raw) VALUES (1, 'ab');
ALTER TABLE e ADD COLUMN e2 UInt8 EPHEMERAL 5 AFTER id, ADD COLUMN x UInt8 DEFAULT e2 * 2;
INSERT INTO e (id, e2) VALUES (2, 7);
SELECT * FROM e ORDER BY id;
OPTIMIZE TABLE e FINAL;
SELECT * FROM e ORDER BY id;
CREATE TABLE p (d Date, k UInt8) ENGINE = MergeTree PARTITION BY toYYYYMM(d) ORDER BY k;
INSERT INTO p VALUES ('2020-01-01', 1);
ALTER TABLE p DROP PARTITION 202001.5; -- { serverError ARGUMENT_OUT_OF_BOUND }
ALTER TABLE p DROP PARTITION NULL; -- { serverError TYPE_MISMATCH }
SELECT count() FROM p;
ALTER TABLE p UPDATE k = arrayJoin([1, 2]) WHERE 1; -- { serverError CANNOT_UPDATE_COLUMN }
ALTER TABLE p DELETE WHERE arrayJoin([1, 2]) = 1; -- { serverError UNEXPECTED_EXPRESSION }
ALTER TABLE p DELETE WHERE k = 5 SETTINGS mutations_sync = 1;
SET enable_lightweight_delete = 0;
DELETE FROM p WHERE 1; -- { serverError SUPPORT_IS_DISABLED }
SET enable_lightweight_delete = 1;
SET lightweight_delete_mode = 'lightweight_update';
DELETE FROM p WHERE 1;
SELECT count() FROM p;
SET lightweight_delete_mode = 'alter_update', enable_lightweight_update = 0;
UPDATE p SET k = 1 WHERE 1; -- { serverError SUPPORT_IS_DISABLED }
CREATE TABLE n1 (k UInt8, d DateTime) ENGINE = MergeTree ORDER BY k TTL toNullable(d) + INTERVAL 1 DAY; -- { serverError BAD_TTL_EXPRESSION }
CREATE TABLE n1 (k UInt8, d DateTime) ENGINE = MergeTree ORDER BY k TTL arrayJoin([d]); -- { serverError BAD_TTL_EXPRESSION }
CREATE TABLE n1 (k UInt8, d UInt8 DEFAULT arrayJoin([k])) ENGINE = MergeTree ORDER BY k; -- { serverError THERE_IS_NO_DEFAULT_VALUE }
CREATE TABLE n1 (k UInt8, INDEX i arrayJoin([k]) TYPE minmax) ENGINE = MergeTree ORDER BY k; -- { serverError INCORRECT_QUERY }
CREATE TABLE n1 (k UInt8, c Nullable(UInt8) NOT NULL) ENGINE = Memory; -- { serverError ILLEGAL_SYNTAX_FOR_DATA_TYPE }
CREATE TABLE n1 (k UInt8, b String DEFAULT NULL, c String NOT NULL DEFAULT 'x', e LowCardinality(String) DEFAULT NULL) ENGINE = Memory;
SHOW CREATE TABLE n1;
CREATE TABLE n2 (k UInt8, a Array(UInt8) DEFAULT NULL) ENGINE = Memory; -- { serverError ILLEGAL_TYPE_OF_ARGUMENT }
CREATE TABLE n2 (k UInt8, p UInt8, v UInt8) ENGINE = SummingMergeTree((v, v)) ORDER BY k; -- { serverError BAD_ARGUMENTS }
CREATE TABLE n2 (k UInt8, p UInt8, v UInt8) ENGINE = SummingMergeTree(p) ORDER BY k PARTITION BY p; -- { serverError BAD_ARGUMENTS }
CREATE TABLE n2 (k UInt8, sMap Nested(id UInt16, v Int32)) ENGINE = SummingMergeTree((sMap.v)) ORDER BY k; -- { serverError NO_SUCH_COLUMN_IN_TABLE }
CREATE TABLE i (k UInt8, s String DEFAULT 'd', n Nullable(UInt8) DEFAULT 7) ENGINE = MergeTree ORDER BY k;
INSERT INTO i SETTINGS input_format_defaults_for_omitted_fields = 0 VALUES (6, DEFAULT, DEFAULT);
INSERT INTO i (k) SETTINGS input_format_defaults_for_omitted_fields = 0 VALUES (7);
SELECT * FROM i ORDER BY k;
