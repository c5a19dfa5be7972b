-- The newest window of one product (in place of Redis HGET ctr:latest product-123).
SELECT * FROM ctr_latest_view FINAL
WHERE product_id = 'product-123';

-- The last hour of a product by minute.
SELECT
    product_id,
    window_minute,
    avgMerge(avg_ctr_state) as avg_ctr,
    sumMerge(total_impr_state) as total_impressions,
    sumMerge(total_clicks_state) as total_clicks
FROM ctr_ml_view
WHERE product_id = 'product-123'
  AND window_minute >= now() - INTERVAL 1 HOUR
GROUP BY product_id, window_minute
ORDER BY window_minute DESC;

-- 24 hours of a product by hour.
SELECT
    toStartOfHour(window_minute) as hour,
    avgMerge(avg_ctr_state) as avg_ctr
FROM ctr_ml_view
WHERE product_id = 'product-123'
  AND window_minute >= now() - INTERVAL 24 HOUR
GROUP BY hour
ORDER BY hour;

-- 7 days of a product by day.
SELECT
    toStartOfDay(window_minute) as day,
    avgMerge(avg_ctr_state) as avg_ctr,
    sumMerge(total_impr_state) as total_impressions,
    sumMerge(total_clicks_state) as total_clicks
FROM ctr_ml_view
WHERE product_id = 'product-123'
  AND window_minute >= now() - INTERVAL 7 DAY
GROUP BY day
ORDER BY day;

-- The newest windows of all products (in place of Redis HGETALL ctr:latest).
SELECT * FROM ctr_latest_view FINAL
ORDER BY latest_window_end DESC
LIMIT 100;
