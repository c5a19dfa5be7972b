-- The base table keeps 90 days; what the views took from older rows stays in them.
ALTER TABLE ctr_results_raw MODIFY TTL toDateTime(window_end) + INTERVAL 90 DAY;
