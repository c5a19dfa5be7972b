CREATE TABLE t (id UInt32, ts DateTime('UTC'), s String DEFAULT 'redacted' TTL ts + INTERVAL 1 DAY, n UInt32 TTL ts + INTERVAL 1 MONTH) ENGINE = MergeTree ORDER BY id;
INSERT INTO t VALUES (1, '2001-01-01 00:00:00', 'old', 5), (2, '2099-01-01 00:00:00', 'new', 6);
SELECT * FROM t ORDER BY id;
SHOW CREATE TABLE t;
OPTIMIZE TABLE t FINAL;
SELECT * FROM t ORDER BY id;
ALTER TABLE t MODIFY COLUMN n REMOVE TTL;
ALTER TABLE t MODIFY TTL ts + INTERVAL 1 DAY;
SELECT * FROM t ORDER BY id;
CREATE TABLE e1 (id UInt32 TTL ts + INTERVAL 1 DAY, ts DateTime) ENGINE = MergeTree ORDER BY id; -- { serverError ILLEGAL_COLUMN }
CREATE TABLE e2 (id UInt32, s UInt8 TTL id, ts DateTime) ENGINE = MergeTree ORDER BY id; -- { serverError BAD_TTL_EXPRESSION }
CREATE TABLE e3 (id UInt32, s UInt8 TTL ts, ts DateTime) ENGINE = Memory; -- { serverError BAD_ARGUMENTS }
CREATE TABLE e4 (id UInt32, s UInt8 TTL nope, ts DateTime) ENGINE = MergeTree ORDER BY id; -- { serverError UNKNOWN_IDENTIFIER }
CREATE TABLE e5 (k UInt32, ts DateTime) ENGINE = MergeTree ORDER BY k TTL ts + INTERVAL 1 DAY, ts + INTERVAL 2 DAY; -- { serverError BAD_TTL_EXPRESSION }
CREATE TABLE e6 (k UInt32, ts DateTime) ENGINE = MergeTree ORDER BY k TTL toDate('2020-01-01'); -- { serverError BAD_ARGUMENTS }
CREATE TABLE e7 (k UInt32, ts DateTime) ENGINE = MergeTree ORDER BY k TTL ts + rand(); -- { serverError BAD_ARGUMENTS }
CREATE TABLE e8 (k UInt32, ts DateTime, v UInt64) ENGINE = MergeTree ORDER BY (k, ts) TTL ts + INTERVAL 1 DAY GROUP BY v SET k = sum(k); -- { serverError BAD_TTL_EXPRESSION }
CREATE TABLE e9 (k UInt32, ts DateTime, v UInt64) ENGINE = MergeTree ORDER BY (k, ts) TTL ts + INTERVAL 1 DAY GROUP BY k SET v = v + 1; -- { serverError BAD_TTL_EXPRESSION }
CREATE TABLE g (k UInt32, ts DateTime('UTC'), v UInt64, o String) ENGINE = MergeTree ORDER BY (k, toStartOfDay(ts)) TTL ts + INTERVAL 1 DAY GROUP BY k, toStartOfDay(ts) SET v = sum(v), ts = min(toStartOfDay(ts));
INSERT INTO g VALUES (1, '2001-01-01 01:00:00', 1, 'a'), (1, '2001-01-01 02:00:00', 2, 'b'), (1, '2001-01-02 02:00:00', 4, 'c');
INSERT INTO g VALUES (1, '2001-01-01 03:00:00', 8, 'd');
OPTIMIZE TABLE g FINAL;
SELECT * FROM g ORDER BY ts;
SHOW CREATE TABLE g;
