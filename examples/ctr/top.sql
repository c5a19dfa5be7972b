-- The ten products with the highest rate in their newest window, among those that were seen at least ten times in it.
SELECT product_id, round(latest_ctr, 4) AS ctr, latest_impressions AS impressions, latest_clicks AS clicks, latest_window_end AS window_end
FROM ctr_latest_view FINAL
WHERE latest_impressions >= 10
ORDER BY ctr DESC, product_id
LIMIT 10;
