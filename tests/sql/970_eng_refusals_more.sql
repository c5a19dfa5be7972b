CREATE TABLE t (k UInt32, ver UInt8) ENGINE = ReplacingMergeTree(1) ORDER BY k; -- { serverError BAD_ARGUMENTS }
CREATE TABLE t (k UInt32, ver UInt8) ENGINE = ReplacingMergeTree('ver') ORDER BY k; -- { serverError BAD_ARGUMENTS }
CREATE TABLE t (k UInt32, ver Int32) ENGINE = ReplacingMergeTree(ver, ver) ORDER BY k; -- { serverError BAD_ARGUMENTS }
CREATE TABLE t (k UInt32, ver String) ENGINE = ReplacingMergeTree(ver) ORDER BY k; -- { serverError BAD_TYPE_OF_FIELD }
CREATE TABLE f (k UInt32, ver Float32) ENGINE = ReplacingMergeTree(ver) ORDER BY k;
INSERT INTO f VALUES (1, 0.5), (1, 1.5), (1, 1);
SELECT * FROM f FINAL;
CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY 1; -- { serverError ILLEGAL_COLUMN }
CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY (a, 1); -- { serverError ILLEGAL_COLUMN }
CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY arrayJoin([a]); -- { serverError ILLEGAL_COLUMN }
CREATE TABLE u (a UInt32 PRIMARY KEY, b UInt32) ENGINE = MergeTree;
SHOW CREATE TABLE u;
CREATE TABLE al (a UInt8, m UInt8 MATERIALIZED a + 1, al UInt8 ALIAS a + 2) ENGINE = MergeTree ORDER BY a;
INSERT INTO al (al) VALUES (1); -- { serverError NO_SUCH_COLUMN_IN_TABLE }
INSERT INTO al (m) VALUES (1); -- { serverError ILLEGAL_COLUMN }
INSERT INTO al VALUES (1, 2); -- { serverError SYNTAX_ERROR }
CREATE TABLE c (a Float32, CONSTRAINT c CHECK a) ENGINE = MergeTree ORDER BY tuple();
INSERT INTO c VALUES (1); -- { serverError UNSUPPORTED_METHOD }
CREATE TABLE t (a Nullable(Array(UInt8))) ENGINE = Memory; -- { serverError ILLEGAL_TYPE_OF_ARGUMENT }
CREATE TABLE t (a FixedString(0)) ENGINE = Memory; -- { serverError UNEXPECTED_AST_STRUCTURE }
CREATE TABLE t (a Decimal(99, 1)) ENGINE = Memory; -- { serverError ARGUMENT_OUT_OF_BOUND }
CREATE TABLE t (a Enum8('a' = 1, 'a' = 2)) ENGINE = Memory; -- { serverError SYNTAX_ERROR }
CREATE TABLE t (a Enum8('a' = 1000)) ENGINE = Memory; -- { serverError ARGUMENT_OUT_OF_BOUND }
SHOW CREATE TABLE nope; -- { serverError CANNOT_GET_CREATE_TABLE_QUERY }
CREATE TABLE p (k UInt32) ENGINE = MergeTree PARTITION BY k ORDER BY k;
INSERT INTO p SELECT number FROM numbers(5) SETTINGS max_partitions_per_insert_block = 4; -- { serverError TOO_MANY_PARTS }
INSERT INTO p SELECT number FROM numbers(5) SETTINGS max_partitions_per_insert_block = 4, throw_on_max_partitions_per_insert_block = 0;
SELECT count() FROM p;
SHOW TABLES;
