-- How far each view is behind now, in event time.
SELECT view, if(rows = 0, 'empty', toString(greatest(dateDiff('second', newest, now()), 0)) || ' s') AS behind
FROM
(
    SELECT 'ctr_ml_view' AS view, count() AS rows, toDateTime(max(window_minute), 'UTC') AS newest FROM ctr_ml_view
    UNION ALL
    SELECT 'ctr_latest_view', count(), toDateTime(max(latest_window_end), 'UTC') FROM ctr_latest_view
)
ORDER BY view;
