-- Everything that buyers did before they bought: HAVING looks at whole groups, so each refresh must see all rows.
-- After summaries.sql, whose activity log it reads.
--
--   everview local --data ./shop --file examples/ecommerce/purchasers.sql
USE `e-commerce`;

CREATE TABLE user_profiles (user_id UInt64, segment LowCardinality(String), lifetime_value Float64)
ENGINE = MergeTree ORDER BY user_id;

INSERT INTO user_profiles
SELECT number, ['new', 'regular', 'vip'][1 + cityHash64(number, 'segment') % 3], cityHash64(number, 'value') % 100000 / 100
FROM numbers(20000);

CREATE MATERIALIZED VIEW rmv_purchaser_behaviour
REFRESH EVERY 1 HOUR OFFSET 30 MINUTE
ENGINE = MergeTree ORDER BY user_id
AS SELECT
    user_id,
    any(segment) AS segment,
    countIf(event_type = 'view_item_list') AS views,
    countIf(event_type = 'select_item') AS selects,
    countIf(event_type = 'add_to_cart') AS carts,
    countIf(event_type = 'purchase') AS purchases,
    sum(amount) AS spent,
    minIf(event_time, event_type = 'purchase') AS first_purchase,
    countIf(event_type != 'purchase' AND event_time < first_purchases.at) AS events_before_it
FROM landing_activity
LEFT JOIN (SELECT user_id, min(event_time) AS at FROM landing_activity WHERE event_type = 'purchase' GROUP BY user_id) AS first_purchases
    USING user_id
LEFT JOIN user_profiles USING user_id
GROUP BY user_id
HAVING purchases > 0;

SYSTEM WAIT VIEW rmv_purchaser_behaviour;
SELECT '-- buyers by segment';
SELECT segment, count() AS buyers, round(avg(events_before_it), 2) AS events_before_first_purchase, sum(spent) AS spent
FROM rmv_purchaser_behaviour
GROUP BY segment
ORDER BY segment;
