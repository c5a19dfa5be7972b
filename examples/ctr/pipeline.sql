-- From events to click-through rates: events in, 10-second windows of event time, one base table, two views over it.
--
--   everview run examples/ctr/pipeline.sql --input events.ndjson --data DIR

-- What cannot be used, with the reason and where it was.
CREATE TABLE events_dead (
    source String,
    position UInt64,
    reason LowCardinality(String),
    raw String
)
ENGINE = MergeTree()
ORDER BY (source, position);

-- Where events land. Nothing is kept here: a row goes to the window view or to the dead letters. The name of the first
-- constraint that a row breaks is the reason there.
CREATE TABLE events (
    event_id String,
    product_id String,
    event_type String,
    event_time Int64 DEFAULT -1,
    CONSTRAINT event_id CHECK event_id != '',
    CONSTRAINT product_id CHECK product_id != '',
    CONSTRAINT event_type CHECK event_type IN ('view', 'click'),
    CONSTRAINT event_time CHECK event_time >= 0 AND event_time <= 4102444800000
)
ENGINE = Null
SETTINGS dead_letter_table = 'events_dead', input_format_json_strict_types = 1;

-- The base table: one row a product and window.
CREATE TABLE ctr_results_raw (
    product_id String,
    ctr Float64,
    impressions UInt64,
    clicks UInt64,
    window_start DateTime64(3, 'UTC'),
    window_end DateTime64(3, 'UTC'),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = MergeTree()
PARTITION BY toYYYYMM(window_end)  -- 월별 파티셔닝
ORDER BY (window_end, product_id)
SETTINGS index_granularity = 8192;

-- Per product and minute, as aggregate states.
CREATE MATERIALIZED VIEW ctr_ml_view
ENGINE = AggregatingMergeTree()
ORDER BY (product_id, window_minute)
AS SELECT
    product_id,
    toStartOfMinute(window_end) as window_minute,
    avgState(ctr) as avg_ctr_state,           -- 평균 CTR
    sumState(impressions) as total_impr_state, -- 총 노출수
    sumState(clicks) as total_clicks_state,    -- 총 클릭수
    countState() as window_count_state         -- 윈도우 개수
FROM ctr_results_raw
GROUP BY product_id, window_minute;

-- The newest window of each product.
CREATE MATERIALIZED VIEW ctr_latest_view
ENGINE = ReplacingMergeTree(window_end)  -- 최신 레코드만 유지
ORDER BY product_id
AS SELECT
    product_id,
    ctr as latest_ctr,
    impressions as latest_impressions,
    clicks as latest_clicks,
    window_end as latest_window_end
FROM ctr_results_raw;

-- Events to windows: each event once, windows closed when the watermark passes their end.
CREATE WINDOW VIEW ctr_windows TO ctr_results_raw
DEDUPLICATE BY event_id
WATERMARK = INTERVAL '5' SECOND
AS SELECT
    product_id,
    if(impressions > 0, clicks / impressions, 0.) AS ctr,
    countIf(event_type = 'view') AS impressions,
    countIf(event_type = 'click') AS clicks,
    tumbleStart(win) AS window_start,
    tumbleEnd(win) AS window_end
FROM events
GROUP BY product_id, tumble(fromUnixTimestamp64Milli(event_time, 'UTC'), INTERVAL '10' SECOND) AS win;
