CREATE TABLE l (x UInt8) ENGINE = Log;
CREATE TABLE m (x UInt8, y UInt8) ENGINE = Memory;
CREATE TABLE n (x UInt8) ENGINE = Null;
CREATE VIEW v AS SELECT * FROM m;
OPTIMIZE TABLE l; -- { serverError NOT_IMPLEMENTED }
OPTIMIZE TABLE m FINAL; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE l DELETE WHERE x = 1; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE n DELETE WHERE x = 1; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE v DELETE WHERE x = 1; -- { serverError NOT_IMPLEMENTED }
DELETE FROM l WHERE x = 1; -- { serverError BAD_ARGUMENTS }
DELETE FROM m WHERE x = 1; -- { serverError BAD_ARGUMENTS }
DELETE FROM v WHERE x = 1; -- { serverError BAD_ARGUMENTS }
UPDATE m SET x = 1 WHERE x = 2; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE l ADD COLUMN y UInt8; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE l RENAME COLUMN x TO y; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE l DROP PARTITION 1; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE l COMMENT COLUMN x 'hi';
ALTER TABLE n ADD COLUMN y UInt8;
INSERT INTO m VALUES (1, 2), (3, 4);
ALTER TABLE m DELETE WHERE x = 1;
ALTER TABLE m UPDATE y = 7 WHERE x = 3;
SELECT * FROM m;
SELECT count() FROM system.mutations WHERE database = currentDatabase();
DESCRIBE l;
DESCRIBE n;
CREATE TABLE s (k UInt32, v UInt32) ENGINE = SummingMergeTree ORDER BY k SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1;
UPDATE s SET v = 1 WHERE k = 1; -- { serverError NOT_IMPLEMENTED }
CREATE TABLE r (k UInt32, v UInt32, ver UInt8) ENGINE = ReplacingMergeTree(ver) ORDER BY k SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1;
INSERT INTO r VALUES (1, 1, 1);
UPDATE r SET ver = 2 WHERE k = 1; -- { serverError CANNOT_UPDATE_COLUMN }
UPDATE r SET k = 2 WHERE k = 1; -- { serverError CANNOT_UPDATE_COLUMN }
UPDATE r SET nope = 2 WHERE k = 1; -- { serverError NO_SUCH_COLUMN_IN_TABLE }
UPDATE r SET v = 2 WHERE nope = 1; -- { serverError UNKNOWN_IDENTIFIER }
UPDATE r SET v = 50 WHERE k = 1;
SELECT * FROM r;
