-- one process: looks at mutations that fail over and over
CREATE TABLE m (a UInt32, b String) ENGINE = MergeTree ORDER BY a;
INSERT INTO m VALUES (1, 'x'), (2, 'y');
SET mutations_sync = 0;
ALTER TABLE m UPDATE b = toString(throwIf(a = 2)) WHERE 1;
SELECT sleep(1);
SELECT command, is_done, parts_to_do, latest_fail_error_code_name, is_killed FROM system.mutations;
ALTER TABLE m UPDATE b = 'later' WHERE a = 1;
SELECT sleep(1);
SELECT command, is_done, parts_to_do FROM system.mutations ORDER BY mutation_id;
SELECT * FROM m ORDER BY a;
KILL MUTATION WHERE table = 'm' AND NOT is_done AND command LIKE '%throwIf%';
SELECT sleep(2);
SELECT command, is_done, parts_to_do, is_killed FROM system.mutations;
SELECT * FROM m ORDER BY a;
ALTER TABLE m DELETE WHERE a = 2;
SELECT sleep(1);
SELECT * FROM m ORDER BY a;
SELECT command, is_done FROM system.mutations ORDER BY mutation_id;
