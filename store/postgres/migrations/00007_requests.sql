-- +goose Up

-- For how many requests a call stands: those that were made or may have been.
ALTER TABLE calls ADD COLUMN requests integer NOT NULL DEFAULT 1;
