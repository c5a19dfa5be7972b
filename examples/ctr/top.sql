-- The ten products with the highest rate in their newest window; those that were seen at least ten times in it come first.
SELECT
    product_id,
    round(latest_ctr, 4) AS ctr,
    latest_impressions AS views,
    latest_clicks AS clicks,
    formatDateTime(latest_window_end, '%H:%i:%S') AS until
FROM ctr_latest_view FINAL
ORDER BY views >= 10 DESC, ctr DESC, product_id
LIMIT 10;
