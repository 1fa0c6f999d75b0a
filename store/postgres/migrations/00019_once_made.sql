-- +goose Up

-- made: what a request made or changed that is no batch, by its id; batch is 0
-- then.
ALTER TABLE once_keys ADD COLUMN made text NOT NULL DEFAULT '';
