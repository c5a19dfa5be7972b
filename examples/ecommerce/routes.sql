-- The twenty most travelled routes of a taxi service, with their share of all trips and percentiles: what must see every row
-- at once, and so cannot be kept up to date block by block.
--
--   everview local --data ./shop --file examples/ecommerce/routes.sql
CREATE DATABASE IF NOT EXISTS taxi;
USE taxi;

CREATE TABLE trips
(
    pickup_time DateTime('UTC'),
    pickup_zone UInt16,
    dropoff_zone UInt16,
    distance    Float32,
    seconds     UInt32,
    fare        Decimal(9, 2)
)
ENGINE = MergeTree PARTITION BY toYYYYMM(pickup_time) ORDER BY pickup_time;

-- twenty million trips between 260 zones, more of them between the small numbers
INSERT INTO trips
WITH
    cityHash64(number, 'from') % 10000 / 10000. AS a,
    cityHash64(number, 'to') % 10000 / 10000. AS b,
    1 + cityHash64(number, 'km') % 20000 / 1000. AS km
SELECT
    toDateTime('2025-01-01 00:00:00', 'UTC') + cityHash64(number, 'time') % (364 * 86400),
    1 + toUInt16(260 * a * a * a),
    1 + toUInt16(260 * b * b),
    km,
    60 + toUInt32(km * (90 + cityHash64(number, 'speed') % 120)),
    toDecimal64(3 + round(km * 1.75, 2), 2)
FROM numbers(20000000);

CREATE MATERIALIZED VIEW rmv_top_routes
REFRESH EVERY 1 HOUR RANDOMIZE FOR 10 MINUTE
ENGINE = MergeTree ORDER BY place
AS SELECT
    row_number() OVER (ORDER BY trips DESC, pickup_zone, dropoff_zone) AS place,
    pickup_zone,
    dropoff_zone,
    trips,
    round(100 * trips / (SELECT count() FROM trips), 4) AS percent_of_all,
    ntile(4) OVER (ORDER BY median_fare DESC, pickup_zone, dropoff_zone) AS fare_quartile,
    median_fare,
    seconds_p50,
    seconds_p95
FROM
(
    SELECT
        pickup_zone,
        dropoff_zone,
        count() AS trips,
        quantileExact(0.5)(fare) AS median_fare,
        quantileExact(0.5)(seconds) AS seconds_p50,
        quantileExact(0.95)(seconds) AS seconds_p95
    FROM trips
    GROUP BY pickup_zone, dropoff_zone
    ORDER BY trips DESC, pickup_zone, dropoff_zone
    LIMIT 20
);

SYSTEM WAIT VIEW rmv_top_routes;
SELECT '-- the twenty most travelled routes';
SELECT * FROM rmv_top_routes ORDER BY place;
