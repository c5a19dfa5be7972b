-- The rest of the article that this pipeline comes from: a view that computes at every read, then one that is stored.
CREATE TABLE ctr_results (
    product_id String,
    ctr Float64,
    impressions UInt64,
    clicks UInt64,
    window_start DateTime64(3, 'UTC'),
    window_end DateTime64(3, 'UTC')
)
ENGINE = MergeTree()
ORDER BY (window_end, product_id);

CREATE VIEW latest_ctr AS
SELECT product_id, max(ctr) FROM ctr_results GROUP BY product_id;

-- 조회할 때마다 실시간 계산
SELECT * FROM latest_ctr; -- 매번 GROUP BY 실행

DROP VIEW latest_ctr;

CREATE MATERIALIZED VIEW latest_ctr
ENGINE = ReplacingMergeTree(window_end)
ORDER BY product_id
AS SELECT product_id, ctr FROM ctr_results;

-- 이미 계산된 결과 조회
SELECT * FROM latest_ctr FINAL; -- 즉시 반환 (인덱스 활용)

SELECT * FROM ctr_results WHERE product_id = 'product-123';
