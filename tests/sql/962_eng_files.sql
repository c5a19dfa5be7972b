INSERT INTO FUNCTION file('case_962/1.csv', CSV, 'a UInt8, b String') VALUES (1, 'x'), (2, 'y');
INSERT INTO FUNCTION file('case_962/1.csv', CSV, 'a UInt8, b String') SELECT 3, 'z';
INSERT INTO FUNCTION file('case_962/2.csv', CSV, 'a UInt8, b String') (b) VALUES ('only b');
INSERT INTO FUNCTION file('case_962/d/3.csv', CSVWithNames, 'a UInt8, b String') VALUES (4, 'deep');
INSERT INTO FUNCTION file('case_962/d/3.csv', CSVWithNames, 'a UInt8, b String') VALUES (5, 'deeper');
SELECT *, _file, _size FROM file('case_962/1.csv', CSV, 'a UInt8, b String') ORDER BY a;
SELECT * FROM file('case_962/1.csv') ORDER BY c1;
DESCRIBE file('case_962/1.csv');
DESCRIBE file('case_962/d/3.csv');
SELECT * FROM file('case_962/d/3.csv') ORDER BY a;
SELECT a, b, _file FROM file('case_962/*.csv', CSV, 'a UInt8, b String') ORDER BY a;
SELECT a, _file FROM file('case_962/{1,2}.csv', CSV, 'a UInt8, b String') ORDER BY a;
SELECT a, _file FROM file('case_962/{1..3}.csv', CSV, 'a UInt8, b String') ORDER BY a;
SELECT a, _file FROM file('case_962/?.csv', CSV, 'a UInt8, b String') WHERE _file = '1.csv' ORDER BY a;
SELECT _file, count() FROM file('case_962/**/*.csv', LineAsString, 'line String') GROUP BY _file ORDER BY _file;
SELECT _file, count() FROM file('case_962/**', LineAsString, 'line String') GROUP BY _file ORDER BY _file;
SELECT _file, count() FROM file('case_962/**.csv', LineAsString, 'line String') GROUP BY _file ORDER BY _file;
SELECT count() FROM file('case_962/none*.csv', CSV, 'a UInt8');
SELECT * FROM file('case_962/none*.csv', CSV); -- { serverError CANNOT_EXTRACT_TABLE_STRUCTURE }
SELECT * FROM file('case_962/none.csv', CSV, 'a UInt8'); -- { serverError FILE_DOESNT_EXIST }
SELECT * FROM file('case_962/none.csv'); -- { serverError CANNOT_STAT }
SELECT count() FROM file('case_962/none.csv', CSV, 'a UInt8') SETTINGS engine_file_empty_if_not_exists = 1;
INSERT INTO FUNCTION file('case_962/1.csv', CSV, 'a UInt8, b String') SETTINGS engine_file_truncate_on_insert = 1 VALUES (9, 'new');
SELECT * FROM file('case_962/1.csv', CSV, 'a UInt8, b String');
INSERT INTO FUNCTION file('case_962/packed.tsv.gz', TSV, 'a UInt8') SELECT number FROM numbers(3);
SELECT * FROM file('case_962/packed.tsv.gz', TSV, 'a UInt8') ORDER BY a;
SELECT * FROM file('case_962/packed.tsv.gz') ORDER BY c1;
SELECT * FROM file('case_962/1.csv', CSV, 'a UInt8', 'nocomp'); -- { serverError NOT_IMPLEMENTED }
SELECT * FROM file('case_962/1.csv', Nope, 'a UInt8'); -- { serverError UNKNOWN_FORMAT }
SELECT * FROM file(); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE f (a UInt8, b String) ENGINE = File(CSV);
SHOW CREATE TABLE f;
SELECT * FROM f; -- { serverError FILE_DOESNT_EXIST }
INSERT INTO f VALUES (1, 'x');
INSERT INTO f SELECT 2, 'y';
INSERT INTO f (b) VALUES ('only b');
SELECT *, _file FROM f ORDER BY a;
SELECT count(), sum(a) FROM f;
OPTIMIZE TABLE f; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE f ADD COLUMN c UInt8; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE f DELETE WHERE 1; -- { serverError NOT_IMPLEMENTED }
SELECT * FROM f FINAL; -- { serverError ILLEGAL_FINAL }
SELECT table_type FROM information_schema.tables WHERE table_schema = currentDatabase() AND table_name = 'f';
CREATE TABLE f2 (a UInt8) ENGINE = File(); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE f2 (a UInt8) ENGINE = File(Nope); -- { serverError UNKNOWN_FORMAT }
CREATE TABLE f2 ENGINE = File(CSV); -- { serverError CANNOT_STAT }
DROP TABLE f;
SHOW TABLES;

-- TRUNCATE empties the file of a table, be it there or not; of several files it is refused, as INSERT is
CREATE TABLE case_962_own (a UInt8, b String) ENGINE = File(CSV);
TRUNCATE TABLE case_962_own;
INSERT INTO case_962_own VALUES (1, 'x'), (2, 'y');
SELECT count() FROM case_962_own;
TRUNCATE TABLE case_962_own;
SELECT count() FROM case_962_own;
INSERT INTO case_962_own VALUES (3, 'z');
SELECT * FROM case_962_own;
DROP TABLE case_962_own;
CREATE TABLE case_962_packed (a UInt8) ENGINE = File(CSV, 'case_962/packed.csv.gz');
TRUNCATE TABLE case_962_packed;
INSERT INTO case_962_packed VALUES (1);
TRUNCATE TABLE case_962_packed;
SELECT count() FROM case_962_packed;
DROP TABLE case_962_packed;
CREATE TABLE case_962_several (a UInt8, b String) ENGINE = File(CSV, 'case_962/{1,2}.csv');
TRUNCATE TABLE case_962_several; -- { serverError DATABASE_ACCESS_DENIED }
INSERT INTO case_962_several VALUES (1, 'x'); -- { serverError DATABASE_ACCESS_DENIED }
DROP TABLE case_962_several;
