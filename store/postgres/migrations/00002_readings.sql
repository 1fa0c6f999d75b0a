-- +goose Up

-- Figures that came with the answers of a provider. A gauge is as it last was,
-- anything else is added up. Every call of a provider moves the same few, so
-- that they are spread over slots like tallies: one row would be one for which
-- all settlements of the fleet wait, each until the one before is on the disk.
-- Counts of the slots are summed up; of a gauge the newest counts.
CREATE TABLE readings (
	provider text     NOT NULL,
	name     text     NOT NULL,
	slot     smallint NOT NULL,
	value    bigint   NOT NULL,
	gauge    boolean  NOT NULL,
	at       bigint   NOT NULL,
	PRIMARY KEY (provider, name, slot)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- Whether an earlier ask of the same key was found when this one was made.
ALTER TABLE asks ADD COLUMN found_before boolean NOT NULL DEFAULT false;
