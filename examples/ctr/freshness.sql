-- How far each view is behind now.
SELECT 'ctr_ml_view' AS view, toString(dateDiff('second', max(window_minute), now())) || ' s' AS behind FROM ctr_ml_view
UNION ALL
SELECT 'ctr_latest_view', toString(dateDiff('second', max(latest_window_end), now())) || ' s' FROM ctr_latest_view;
