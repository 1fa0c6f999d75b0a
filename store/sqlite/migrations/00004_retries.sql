-- +goose Up

-- retry_at is for asks that were attempted. fresh counts those queued that
-- need not wait for it: none where part has the asks taken in their order.
ALTER TABLE chunks RENAME COLUMN ready_at TO retry_at;
ALTER TABLE chunks ADD COLUMN fresh INTEGER NOT NULL DEFAULT 0;
UPDATE chunks SET fresh = (
	WITH RECURSIVE place(i) AS (SELECT 1 UNION ALL SELECT i + 2 FROM place WHERE i + 2 < 2 * chunks.n)
	SELECT count(*) FROM place WHERE hex(substr(marks, i, 1)) = '01' AND hex(substr(marks, i + 1, 1)) LIKE '_0'
) WHERE queued > 0 AND part = 0;
