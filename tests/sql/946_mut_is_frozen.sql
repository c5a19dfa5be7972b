-- one process: is_frozen is known since the start
CREATE TABLE f (k UInt8, v UInt8) ENGINE = MergeTree ORDER BY v PARTITION BY k;
INSERT INTO f VALUES (1, 1), (2, 2);
SELECT partition, is_frozen FROM system.parts WHERE table = 'f' AND active ORDER BY partition;
ALTER TABLE f FREEZE PARTITION 1 WITH NAME 'one';
SELECT partition, is_frozen FROM system.parts WHERE table = 'f' AND active ORDER BY partition;
INSERT INTO f VALUES (1, 3);
OPTIMIZE TABLE f FINAL;
SELECT partition, is_frozen FROM system.parts WHERE table = 'f' AND active ORDER BY partition;
ALTER TABLE f FREEZE WITH NAME 'all';
SELECT partition, is_frozen FROM system.parts WHERE table = 'f' AND active ORDER BY partition;
ALTER TABLE f UNFREEZE WITH NAME 'all';
SELECT partition, is_frozen FROM system.parts WHERE table = 'f' AND active ORDER BY partition;
