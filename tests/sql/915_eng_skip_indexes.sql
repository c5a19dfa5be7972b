CREATE TABLE t (k UInt64, v Int32, s String, n Nullable(Int16), a Array(String), d DateTime('UTC'),
    INDEX mm v TYPE minmax GRANULARITY 2,
    INDEX st v % 10 TYPE set(5) GRANULARITY 1,
    INDEX bl s TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ar a TYPE bloom_filter GRANULARITY 1,
    INDEX tk s TYPE tokenbf_v1(256, 2, 0) GRANULARITY 1,
    INDEX ng lower(s) TYPE ngrambf_v1(3, 256, 2, 0) GRANULARITY 1,
    INDEX ho toStartOfHour(d) TYPE minmax GRANULARITY 1,
    INDEX nn (n, v) TYPE minmax GRANULARITY 1)
ENGINE = MergeTree ORDER BY k SETTINGS index_granularity = 64;
SHOW CREATE TABLE t;
INSERT INTO t SELECT number, number * 7 % 1000, concat('Word', toString(number % 97), ' tail-', toString(number)),
    if(number % 5 = 0, NULL, number % 300), [toString(number % 50), 'x'], toDateTime('2025-11-01 00:00:00', 'UTC') + number * 60
FROM numbers(5000);
SELECT count(), sum(k) FROM t WHERE v = 21;
SELECT count(), sum(k) FROM t WHERE v BETWEEN 990 AND 995 AND v % 10 = 3;
SELECT count(), sum(k) FROM t WHERE v % 10 = 7 AND k < 100;
SELECT count(), sum(k) FROM t WHERE s = 'Word7 tail-104';
SELECT count(), sum(k) FROM t WHERE s IN ('Word7 tail-104', 'Word0 tail-97', 'none');
SELECT count(), sum(k) FROM t WHERE has(a, '49') AND k > 4000;
SELECT count(), sum(k) FROM t WHERE hasToken(s, 'Word42');
SELECT count(), sum(k) FROM t WHERE s LIKE '%tail-4711%';
SELECT count(), sum(k) FROM t WHERE lower(s) LIKE 'word1 %99';
SELECT count(), sum(k) FROM t WHERE startsWith(s, 'Word13 ') OR endsWith(s, '-4999');
SELECT count(), sum(k) FROM t WHERE NOT (s LIKE '%a%');
SELECT count(), sum(k) FROM t WHERE toStartOfHour(d) = toDateTime('2025-11-02 05:00:00', 'UTC');
SELECT count(), sum(k) FROM t WHERE n IS NULL AND v < 50;
SELECT count(), sum(k) FROM t WHERE n = 299 OR v = 3;
SELECT count(), sum(k) FROM t WHERE s = 'Word7 tail-104' SETTINGS use_skip_indexes = 0;
SELECT count() FROM t WHERE s = 'Word7 tail-104' SETTINGS force_data_skipping_indices = 'bl';
SELECT count() FROM t WHERE s = 'Word7 tail-104' SETTINGS force_data_skipping_indices = 'mm'; -- { serverError INDEX_NOT_USED }
SELECT count() FROM t WHERE s = 'Word7 tail-104' SETTINGS force_data_skipping_indices = 'bl', use_skip_indexes = 0;
SELECT count() FROM t WHERE s = 'Word7 tail-104' SETTINGS ignore_data_skipping_indices = 'bl';
ALTER TABLE t UPDATE s = 'changed word' WHERE k = 104 SETTINGS mutations_sync = 1;
SELECT count(), sum(k) FROM t WHERE hasToken(s, 'changed');
SELECT count(), sum(k) FROM t WHERE s = 'Word7 tail-104';
DELETE FROM t WHERE v = 21;
SELECT count(), sum(k) FROM t WHERE v IN (21, 28);
ALTER TABLE t CLEAR COLUMN a SETTINGS mutations_sync = 1;
SELECT count() FROM t WHERE has(a, '49');
ALTER TABLE t MODIFY COLUMN v Int64;
SELECT count(), sum(k) FROM t WHERE v = 28;
OPTIMIZE TABLE t FINAL;
SELECT count(), sum(k) FROM t WHERE v = 28 AND lower(s) LIKE '%tail-4%';
SELECT name, type, type_full, expr, granularity FROM system.data_skipping_indices WHERE table = 't' AND database = currentDatabase() ORDER BY name;
