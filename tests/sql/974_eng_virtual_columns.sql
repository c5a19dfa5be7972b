-- Virtual columns say where a row is: its part, its number there, its partition. The answers are the real engine's.
CREATE TABLE v (a UInt32, p UInt8) ENGINE = MergeTree PARTITION BY p ORDER BY a SETTINGS index_granularity = 2;
INSERT INTO v VALUES (2, 1), (1, 1), (4, 1), (3, 1), (9, 1);
INSERT INTO v VALUES (5, 2), (6, 2);
SELECT a, _part, _part_index, _part_starting_offset, _part_offset, _part_granule_offset, _partition_id, _partition_value FROM v ORDER BY a;
SELECT a, _part_offset FROM v WHERE _part_offset = 1 ORDER BY a;
SELECT a FROM v WHERE _partition_value.1 = 2 ORDER BY a;
SELECT a, _part_uuid, _disk_name, _row_exists, _block_number, _block_offset FROM v ORDER BY a;
SELECT toTypeName(_part), toTypeName(_part_index), toTypeName(_part_offset), toTypeName(_partition_value), toTypeName(_row_exists), toTypeName(_part_uuid), toTypeName(_disk_name), toTypeName(_part_data_version) FROM v LIMIT 1;
SELECT sum(_part_offset), max(_part_index), uniqExact(_part) FROM v;
DELETE FROM v WHERE a = 3;
SELECT a, _part_offset, _row_exists FROM v WHERE p = 1 ORDER BY a;
SELECT a, _part_offset, _row_exists FROM v WHERE p = 1 ORDER BY a SETTINGS apply_deleted_mask = 0;
SELECT a FROM v ORDER BY _part_offset DESC, a;
SELECT * FROM v ORDER BY a LIMIT 1;
-- without a partition key there is no value of it
CREATE TABLE n (a UInt32, v UInt8) ENGINE = ReplacingMergeTree ORDER BY a;
SELECT _partition_value FROM n; -- { serverError UNKNOWN_IDENTIFIER }
-- under FINAL they are those of the row that wins
INSERT INTO n VALUES (1, 1), (2, 1);
INSERT INTO n VALUES (0, 2), (1, 2);
SELECT a, v, _part_offset, _part_index FROM n FINAL ORDER BY a;
-- a column of that name is the table's own
CREATE TABLE o (_part_offset UInt8, a UInt8) ENGINE = MergeTree ORDER BY a;
INSERT INTO o VALUES (7, 1);
SELECT _part_offset, _part_index FROM o;
CREATE TABLE w (_part String, a UInt8, b UInt8) ENGINE = MergeTree ORDER BY a;
INSERT INTO w VALUES ('own', 1, 1);
ALTER TABLE w UPDATE b = 5 WHERE a = 1 SETTINGS mutations_sync = 2;
SELECT _part, a, b FROM w;
-- tables without parts have none
CREATE TABLE m (a UInt32) ENGINE = Memory;
SELECT _part_offset FROM m; -- { serverError UNKNOWN_IDENTIFIER }
