SELECT number FROM numbers(10) LIMIT -3;
SELECT number FROM numbers(10) LIMIT -3 OFFSET -2;
SELECT number FROM numbers(10) LIMIT 3 OFFSET -2;
SELECT number FROM numbers(10) LIMIT -3 OFFSET 2;
SELECT number FROM numbers(10) LIMIT -3 OFFSET 9;
SELECT number FROM numbers(10) OFFSET -2;
SELECT number FROM numbers(10) LIMIT 0.3;
SELECT number FROM numbers(10) LIMIT 0.25;
SELECT number FROM numbers(10) LIMIT 0.3 OFFSET 0.5;
SELECT number FROM numbers(10) LIMIT 2 OFFSET 0.5;
SELECT number FROM numbers(10) LIMIT 0.3 OFFSET 1;
SELECT number FROM numbers(10) OFFSET 0.5;
SELECT number FROM numbers(10) LIMIT 1.5; -- { serverError INVALID_LIMIT_EXPRESSION }
SELECT number FROM numbers(10) LIMIT 0.0;
SELECT number FROM numbers(10) LIMIT 1.0;
SELECT number FROM numbers(10) LIMIT -0.3; -- { serverError INVALID_LIMIT_EXPRESSION }
SELECT number FROM numbers(10) LIMIT 2, 0.3;
SELECT number % 3 AS x FROM numbers(10) ORDER BY x LIMIT -2 WITH TIES;
SELECT number % 3 AS x FROM numbers(10) ORDER BY x LIMIT 0.3 WITH TIES;
SELECT number FROM numbers(3) LIMIT 0.0001;
SELECT number FROM numbers(7) LIMIT 0.5;
SELECT number FROM numbers(7) LIMIT 0.5 OFFSET 0.5;
SELECT count() FROM (SELECT number FROM numbers(10) LIMIT -20);
SELECT number FROM numbers(10) LIMIT toFloat64(0.5);
SELECT number FROM numbers(10) LIMIT 1 + 1;
SELECT number FROM numbers(0) LIMIT -1;
SELECT number FROM numbers(200000) ORDER BY number LIMIT -2;
SELECT max(number), count() FROM (SELECT number FROM numbers(200000) ORDER BY number LIMIT 0.1 OFFSET 0.2);
SELECT number FROM numbers(5) ORDER BY number DESC LIMIT -2;
SELECT * FROM (SELECT number FROM numbers(3) UNION ALL SELECT number + 10 AS number FROM numbers(5) ORDER BY number LIMIT -2) ORDER BY number;
SELECT number % 2 AS k, groupArray(number) FROM (SELECT number FROM numbers(10) LIMIT -4) GROUP BY k ORDER BY k;
SELECT number % 3 AS x, number FROM numbers(10) ORDER BY number LIMIT 0.5 BY x; -- { serverError NOT_IMPLEMENTED }
