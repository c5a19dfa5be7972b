CREATE TABLE c (a UInt8, b UInt64 CODEC(DoubleDelta, ZSTD), c Float32 CODEC(Gorilla, LZ4), d Int32 CODEC(T64, LZ4HC), e String CODEC(LZ4HC(3)), f Date CODEC(Delta, LZ4), h UInt32 CODEC(NONE), k Nullable(UInt32) CODEC(Delta, ZSTD(5)), m Array(UInt32) CODEC(Delta, LZ4)) ENGINE = MergeTree ORDER BY a;
SHOW CREATE TABLE c;
INSERT INTO c (a, b, f) VALUES (1, 2, '2025-01-01');
SELECT * FROM c;
ALTER TABLE c MODIFY COLUMN b CODEC(Delta, LZ4);
SELECT name, compression_codec FROM system.columns WHERE database = currentDatabase() AND table = 'c' ORDER BY position;
CREATE TABLE c2 (a String CODEC(Delta)) ENGINE = MergeTree ORDER BY a; -- { serverError BAD_ARGUMENTS }
CREATE TABLE c3 (a UInt8 CODEC(Nope)) ENGINE = MergeTree ORDER BY a; -- { serverError UNKNOWN_CODEC }
CREATE TABLE c4 (a UInt8 CODEC(ZSTD(99))) ENGINE = MergeTree ORDER BY a; -- { serverError ILLEGAL_CODEC_PARAMETER }
CREATE TABLE p1 (a UInt8, b UInt8) ENGINE = MergeTree PRIMARY KEY a ORDER BY a;
SHOW CREATE TABLE p1;
CREATE TABLE p3 (a UInt8 PRIMARY KEY, b UInt8 PRIMARY KEY) ENGINE = MergeTree;
SHOW CREATE TABLE p3;
CREATE TABLE p4 (a UInt8, b UInt8) ENGINE = MergeTree PRIMARY KEY (a, b) COMMENT 'x';
SHOW CREATE TABLE p4;
CREATE TABLE p9 AS p4 ENGINE = Memory;
SHOW CREATE TABLE p9;
