-- Everview's own: what a view fails over is put aside, and comes through it once when it is repaired. The second insert
-- fails in the view whole, so both its rows wait; the view then is the sum over all rows: 1 - 5 and 3.
CREATE TABLE s (k UInt8, v Int64) ENGINE = MergeTree ORDER BY k;
CREATE TABLE t (k UInt8, total Int64) ENGINE = SummingMergeTree ORDER BY k;
CREATE MATERIALIZED VIEW v TO t ON ERROR QUARANTINE AS SELECT k, sum(v + throwIf(v < 0)) AS total FROM s GROUP BY k;
INSERT INTO s VALUES (1, 1);
INSERT INTO s VALUES (1, -5), (2, 3);
SELECT count() FROM s;
SELECT k, total FROM t;
SELECT k, v, _reason LIKE '%throwIf%' FROM v_errors ORDER BY k;
SELECT status, on_error, errors_table, quarantined_rows FROM system.views WHERE name = 'v';
SYSTEM REPAIR VIEW v; -- { serverError FUNCTION_THROW_IF_VALUE_IS_NON_ZERO }
SELECT count() FROM v_errors;
ALTER TABLE v MODIFY ON ERROR BLOCK; -- { serverError TABLE_NOT_EMPTY }
ALTER TABLE v MODIFY QUERY SELECT k, sum(v) AS total FROM s GROUP BY k;
SYSTEM REPAIR VIEW v;
SYSTEM REPAIR VIEW v;
SELECT k, sum(total) FROM t GROUP BY k ORDER BY k;
SELECT count() FROM v_errors;
ALTER TABLE v MODIFY ON ERROR BLOCK;
SELECT status, on_error FROM system.views WHERE name = 'v';
