-- +goose Up

-- keep_ms: how long the rows of a batch are kept after it has ended; 0: as long
-- as those of any. ended_at: when it was done or cancelled; 0: it is neither.
-- expired_at: when that time was over; 0: it is not. gone: what is left of the
-- batch since: 1 rows, 2 asks to be looked through, 3 asks that are being
-- looked through, 4 asks that rows of others are on, 5 no ask.
ALTER TABLE batches ADD COLUMN keep_ms bigint NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN ended_at bigint NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN expired_at bigint NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN gone smallint NOT NULL DEFAULT 0;
UPDATE batches SET ended_at = done_at WHERE state = 'done';
UPDATE batches b SET ended_at = coalesce((SELECT max(h.at) FROM history h WHERE h.batch = b.no AND h.what = 'cancelled'),
	(extract(epoch FROM now()) * 1000)::bigint) WHERE state = 'cancelled';
CREATE INDEX batches_ended ON batches (ended_at) WHERE ended_at > 0 AND expired_at = 0;
CREATE INDEX batches_gone ON batches (no) WHERE gone BETWEEN 1 AND 3;

-- Which rows are on an answer that was known before, and which were given
-- another ask: as long as one is, that ask stays.
CREATE INDEX rows_known ON rows (ask) WHERE cached;
CREATE INDEX renewals_ask ON renewals (ask);
CREATE INDEX renewals_next ON renewals (next);
