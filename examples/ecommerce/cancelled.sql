-- One question, two sorts of views, and orders that are cancelled.
--
--   everview local --data ./shop --file examples/ecommerce/cancelled.sql
CREATE DATABASE IF NOT EXISTS orders;
USE orders;

CREATE TABLE landing_purchase (order_id String, day Date, amount Decimal(12, 2))
ENGINE = MergeTree ORDER BY order_id;

-- runs with each INSERT, over the inserted rows
CREATE MATERIALIZED VIEW mv_daily_sales
ENGINE = SummingMergeTree ORDER BY day
AS SELECT day, count() AS orders, sum(amount) AS revenue FROM landing_purchase GROUP BY day;

-- runs by the clock, over the whole table; what changes nothing costs nothing
CREATE MATERIALIZED VIEW rmv_daily_sales
REFRESH EVERY 1 HOUR
ENGINE = MergeTree ORDER BY day
AS SELECT day, count() AS orders, sum(amount) AS revenue FROM landing_purchase GROUP BY day;

INSERT INTO landing_purchase
SELECT concat('order-', toString(number)), toDate('2025-11-01') + number % 3, toDecimal64(10 + number % 90, 2)
FROM numbers(30000);

SYSTEM REFRESH VIEW rmv_daily_sales;
SYSTEM WAIT VIEW rmv_daily_sales;
SELECT '-- before: both are right';
SELECT day, sum(orders) AS incremental_orders, sum(revenue) AS incremental FROM mv_daily_sales GROUP BY day ORDER BY day;
SELECT day, orders AS refreshed_orders, revenue AS refreshed FROM rmv_daily_sales ORDER BY day;

-- every tenth order of the second day is cancelled
ALTER TABLE landing_purchase DELETE WHERE day = '2025-11-02' AND toUInt64(substring(order_id, 7)) % 10 = 0 SETTINGS mutations_sync = 2;
SYSTEM REFRESH VIEW rmv_daily_sales;
SYSTEM WAIT VIEW rmv_daily_sales;

SELECT '-- after: the incremental view saw INSERTs only, so it keeps cancelled orders; the refreshed one is right';
SELECT
    day,
    incremental.orders AS incremental_orders,
    refreshed.orders AS refreshed_orders,
    actual.orders AS actual_orders,
    incremental.revenue - actual.revenue AS incremental_is_off_by,
    refreshed.revenue - actual.revenue AS refreshed_is_off_by
FROM (SELECT day, sum(orders) AS orders, sum(revenue) AS revenue FROM mv_daily_sales GROUP BY day) AS incremental
INNER JOIN rmv_daily_sales AS refreshed USING day
INNER JOIN (SELECT day, count() AS orders, sum(amount) AS revenue FROM landing_purchase GROUP BY day) AS actual USING day
ORDER BY day;
