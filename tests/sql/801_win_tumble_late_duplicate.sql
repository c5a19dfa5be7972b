-- Everview's own: a 10-second tumbling window view with dead letters, duplicates and late rows. The expectation follows the
-- rules of the CTR contract by hand. Times in ms: windows are [0, 10 s), [10 s, 20 s), …; the watermark is max time - 5 s.
CREATE TABLE events_dead (source String, position UInt64, reason LowCardinality(String), raw String) ENGINE = MergeTree ORDER BY position;
CREATE TABLE events (event_id String, product_id String, event_type String, event_time Int64 DEFAULT -1,
    CONSTRAINT event_id CHECK event_id != '', CONSTRAINT product_id CHECK product_id != '',
    CONSTRAINT event_type CHECK event_type IN ('view', 'click'), CONSTRAINT event_time CHECK event_time BETWEEN 0 AND 4102444800000)
    ENGINE = Null SETTINGS dead_letter_table = 'events_dead', input_format_json_strict_types = 1;
CREATE TABLE late_events (event_id String, product_id String, event_type String, event_time Int64) ENGINE = MergeTree ORDER BY event_id;
CREATE TABLE results (product_id String, ctr Float64, impressions UInt64, clicks UInt64, window_start DateTime64(3, 'UTC'), window_end DateTime64(3, 'UTC'))
    ENGINE = MergeTree ORDER BY (window_end, product_id);
CREATE WINDOW VIEW ctr_windows TO results LATE TO late_events DEDUPLICATE BY event_id WATERMARK = INTERVAL '5' SECOND
    AS SELECT product_id, if(impressions = 0, 0, clicks / impressions) AS ctr, countIf(event_type = 'view') AS impressions,
    countIf(event_type = 'click') AS clicks, tumbleStart(win) AS window_start, tumbleEnd(win) AS window_end
    FROM events GROUP BY product_id, tumble(fromUnixTimestamp64Milli(event_time, 'UTC'), INTERVAL '10' SECOND) AS win;
INSERT INTO events FORMAT JSONEachRow
{"event_id":"a","product_id":"p1","event_type":"view","event_time":1000}
{"event_id":"b","product_id":"p1","event_type":"view","event_time":9000}
{"event_id":"a","product_id":"p1","event_type":"click","event_time":9500}
not json
{"event_id":"c","product_id":"p1","event_type":"click","event_time":9999}
{"event_id":"","product_id":"p1","event_type":"view","event_time":1}
{"event_id":7,"product_id":"p1","event_type":"view","event_time":1}
{"event_id":"d","product_id":"p2","event_type":"buy","event_time":1}
{"event_id":"e","product_id":"p2","event_type":"view","event_time":"5"}
{"event_id":"f","product_id":"p2","event_type":"view"}
{"event_id":"f","product_id":"","event_type":"view","event_time":"x"}
;
-- the watermark is 4.999 s: nothing is closed
SELECT count() FROM results;
SELECT position, reason FROM events_dead ORDER BY position;
INSERT INTO events FORMAT JSONEachRow
{"event_id":"g","product_id":"p2","event_type":"view","event_time":14999}
{"event_id":"h","product_id":"p2","event_type":"view","event_time":9998}
{"event_id":"i","product_id":"p2","event_type":"click","event_time":15000}
{"event_id":"j","product_id":"p1","event_type":"click","event_time":9997}
;
-- with the event at 15 s the watermark is 10 s: the first window closes, and j is late
SELECT * FROM results ORDER BY window_end, product_id;
SELECT * FROM late_events;
INSERT INTO events FORMAT JSONEachRow
{"event_id":"k","product_id":"p3","event_type":"view","event_time":60000}
;
SELECT product_id, ctr, impressions, clicks, window_start FROM results ORDER BY window_end, product_id;
