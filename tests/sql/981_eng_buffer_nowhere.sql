-- one process: closing the engine flushes the Buffer
CREATE TABLE bn (k UInt32) ENGINE = Buffer('', '', 1, 1000, 1000, 1000, 1000000, 1000000, 10000000);
INSERT INTO bn VALUES (1);
SELECT * FROM bn;
OPTIMIZE TABLE bn;
SELECT * FROM bn;
SHOW CREATE TABLE bn;
