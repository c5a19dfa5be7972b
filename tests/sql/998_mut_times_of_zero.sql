-- one process: STOP TTL MERGES does not survive a start
-- a part of which every other row is past its time goes whole in the real engine: rows come one by one here
CREATE TABLE z (k UInt64, g DateTime('UTC')) ENGINE = MergeTree ORDER BY k TTL g;
SYSTEM STOP TTL MERGES z;
INSERT INTO z SETTINGS optimize_on_insert = 0 VALUES (1, '2015-01-01 00:00:00');
INSERT INTO z SETTINGS optimize_on_insert = 0 VALUES (2, '1970-01-01 00:00:00');
SELECT k FROM z ORDER BY k;
INSERT INTO z VALUES (3, '1970-01-01 00:00:00');
SYSTEM START TTL MERGES z;
OPTIMIZE TABLE z FINAL;
SELECT k FROM z ORDER BY k;
