-- +goose Up

-- retry_at is for asks that were attempted. fresh counts those queued that
-- need not wait for it: none where part has the asks taken in their order.
ALTER TABLE chunks RENAME COLUMN ready_at TO retry_at;
ALTER TABLE chunks ADD COLUMN fresh integer NOT NULL DEFAULT 0;
UPDATE chunks SET fresh = (
	SELECT count(*) FROM generate_series(0, n - 1) AS i
	WHERE get_byte(marks, 2 * i) = 1 AND get_byte(marks, 2 * i + 1) & 15 = 0
) WHERE queued > 0 AND part = 0;
