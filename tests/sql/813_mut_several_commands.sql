CREATE TABLE t (id UInt32, d Date, v UInt32, m UInt32 MATERIALIZED v + 1, al UInt32 ALIAS v + 2) ENGINE = MergeTree PARTITION BY toYYYYMM(d) ORDER BY id;
INSERT INTO t (id, d, v) SELECT number, toDate('2025-01-01') + number * 10, number FROM numbers(10);
ALTER TABLE t UPDATE v = 100 WHERE al = 3;
SELECT id, v, m FROM t WHERE v = 100;
ALTER TABLE t UPDATE m = 1 WHERE 1; -- { serverError CANNOT_UPDATE_COLUMN }
ALTER TABLE t UPDATE al = 1 WHERE 1; -- { serverError NO_SUCH_COLUMN_IN_TABLE }
ALTER TABLE t UPDATE d = today() WHERE 1; -- { serverError CANNOT_UPDATE_COLUMN }
ALTER TABLE t UPDATE v = 1, v = 2 WHERE 1; -- { serverError MULTIPLE_ASSIGNMENTS_TO_COLUMN }
ALTER TABLE t UPDATE v = throwIf(id = 8) WHERE 1; -- { serverError UNFINISHED }
KILL MUTATION WHERE table = 'nope';
DROP TABLE t;
CREATE TABLE t (id UInt32, d Date, v UInt32) ENGINE = MergeTree PARTITION BY toYYYYMM(d) ORDER BY id;
INSERT INTO t SELECT number, toDate('2025-01-01') + number * 10, number FROM numbers(10);
ALTER TABLE t UPDATE v = 5 IN PARTITION 202502 WHERE 1;
ALTER TABLE t DELETE WHERE id IN (SELECT number FROM numbers(2)), UPDATE v = 9 WHERE id = 8;
ALTER TABLE t UPDATE v = (SELECT max(id) + 1 FROM t) WHERE id = 9;
DELETE FROM t WHERE id = 3;
DELETE FROM t IN PARTITION 202501 WHERE id = 2;
SELECT id, v FROM t ORDER BY id;
SELECT command, is_done, parts_to_do FROM system.mutations WHERE database = currentDatabase() AND table = 't' AND command NOT LIKE '%SELECT max%' ORDER BY toUInt32OrZero(extract(mutation_id, '\\d+')), command;
