-- +goose Up

-- service: the part of the provider's service that an ask is for.
ALTER TABLE asks ADD COLUMN service TEXT NOT NULL DEFAULT '';

-- behind: the parts of the service by whose gates all queued asks of a chunk
-- are held back, as they were found when it was to be offered.
ALTER TABLE chunks ADD COLUMN behind TEXT NOT NULL DEFAULT '';
