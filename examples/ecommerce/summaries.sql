-- Daily summaries of users, brands and categories out of an activity log: a graph of refreshes, without dbt or Airflow.
--
--   everview local --data ./shop --file examples/ecommerce/summaries.sql
CREATE DATABASE IF NOT EXISTS `e-commerce`;
USE `e-commerce`;

CREATE TABLE landing_activity
(
    event_time DateTime('UTC'),
    user_id    UInt64,
    event_type LowCardinality(String),
    brand      LowCardinality(String),
    category   LowCardinality(String),
    amount     Decimal(12, 2)
)
ENGINE = MergeTree PARTITION BY toYYYYMM(event_time) ORDER BY (event_time, user_id);

-- the same million rows each time: what a row is depends on its number only
INSERT INTO landing_activity
WITH cityHash64(number, 'user') % 20000 AS user, cityHash64(number, 'type') % 100 AS type
SELECT
    toDateTime('2025-11-01 00:00:00', 'UTC') + cityHash64(number, 'time') % (28 * 86400),
    user,
    multiIf(type < 55, 'view_item_list', type < 80, 'select_item', type < 93, 'add_to_cart', 'purchase') AS event_type,
    concat('brand-', toString((user + cityHash64(number, 'brand') % 5) % 200)),
    concat('category-', toString(cityHash64(number, 'category') % 24)),
    if(event_type = 'purchase', toDecimal64(cityHash64(number, 'amount') % 20000 / 100, 2), 0)
FROM numbers(1000000);

-- Three in the morning in Seoul is 18:00 UTC the day before. The same, said with the zone, which also knows daylight saving
-- where there is any: REFRESH EVERY 1 DAY OFFSET 3 HOUR SETTINGS refresh_timezone = 'Asia/Seoul'
CREATE MATERIALIZED VIEW rmv_daily_user_brand
REFRESH EVERY 1 DAY OFFSET 18 HOUR
ENGINE = MergeTree ORDER BY (day, user_id, brand, category)
AS SELECT
    toDate(event_time) AS day, user_id, brand, category,
    countIf(event_type = 'view_item_list') AS views,
    countIf(event_type = 'select_item') AS selects,
    countIf(event_type = 'add_to_cart') AS carts,
    countIf(event_type = 'purchase') AS purchases,
    sum(amount) AS revenue
FROM landing_activity
GROUP BY day, user_id, brand, category;

-- each waits for the view above, for the same slot
CREATE MATERIALIZED VIEW rmv_daily_user_summary
REFRESH EVERY 1 DAY OFFSET 18 HOUR DEPENDS ON rmv_daily_user_brand
ENGINE = MergeTree ORDER BY (day, user_id)
AS SELECT day, user_id, uniqExact(brand) AS brands, sum(purchases) AS orders, sum(revenue) AS spent
FROM rmv_daily_user_brand
GROUP BY day, user_id;

CREATE MATERIALIZED VIEW rmv_daily_brand_summary
REFRESH EVERY 1 DAY OFFSET 18 HOUR DEPENDS ON rmv_daily_user_brand
ENGINE = MergeTree ORDER BY (day, brand)
AS SELECT day, brand, uniqExact(user_id) AS visitors, sum(views) AS seen, sum(purchases) AS orders, sum(revenue) AS sold
FROM rmv_daily_user_brand
GROUP BY day, brand;

CREATE MATERIALIZED VIEW rmv_daily_category_summary
REFRESH EVERY 1 DAY OFFSET 18 HOUR DEPENDS ON rmv_daily_user_brand
ENGINE = MergeTree ORDER BY (day, category)
AS SELECT day, category, sum(carts) AS put_into_carts, sum(purchases) AS orders, sum(revenue) AS sold
FROM rmv_daily_user_brand
GROUP BY day, category;

-- and the last one for all three
CREATE MATERIALIZED VIEW rmv_daily_report
REFRESH EVERY 1 DAY OFFSET 18 HOUR
DEPENDS ON rmv_daily_user_summary, rmv_daily_brand_summary, rmv_daily_category_summary
SETTINGS keep_generations = 7
ENGINE = MergeTree ORDER BY day
AS SELECT
    day,
    buyers,
    best_brand,
    best_category,
    revenue,
    round(toFloat64(revenue) / (SELECT toFloat64(sum(spent)) FROM rmv_daily_user_summary), 6) AS share
FROM (SELECT day, countIf(orders > 0) AS buyers, sum(spent) AS revenue FROM rmv_daily_user_summary GROUP BY day) AS users
INNER JOIN (SELECT day, argMax(brand, (sold, brand)) AS best_brand FROM rmv_daily_brand_summary GROUP BY day) AS brands USING day
INNER JOIN (SELECT day, argMax(category, (sold, category)) AS best_category FROM rmv_daily_category_summary GROUP BY day) AS categories USING day;

-- the first refresh begins with CREATE; who depends on others runs when they have
SYSTEM WAIT VIEW rmv_daily_user_brand;
SYSTEM REFRESH VIEW rmv_daily_user_summary;
SYSTEM WAIT VIEW rmv_daily_user_summary;
SYSTEM REFRESH VIEW rmv_daily_brand_summary;
SYSTEM WAIT VIEW rmv_daily_brand_summary;
SYSTEM REFRESH VIEW rmv_daily_category_summary;
SYSTEM WAIT VIEW rmv_daily_category_summary;
SYSTEM REFRESH VIEW rmv_daily_report;
SYSTEM WAIT VIEW rmv_daily_report;

SELECT '-- the last three days';
SELECT * FROM rmv_daily_report ORDER BY day DESC LIMIT 3;

SELECT '-- what system.view_refreshes says';
SELECT database, view, status, exception FROM system.view_refreshes WHERE database = 'e-commerce' ORDER BY view;
