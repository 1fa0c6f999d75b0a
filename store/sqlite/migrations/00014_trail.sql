-- +goose Up

-- The audit log: who did what, by ids and plain words. no: from 1, without a
-- gap. hash: keyed, over the record and the hash before.
CREATE TABLE acts (
	no     INTEGER PRIMARY KEY,
	at     INTEGER NOT NULL,
	who    TEXT    NOT NULL,
	kind   TEXT    NOT NULL,
	tenant TEXT    NOT NULL,
	about  TEXT    NOT NULL,
	note   TEXT    NOT NULL,
	hash   BLOB    NOT NULL
);
CREATE INDEX acts_about ON acts (about, no) WHERE about <> '';

-- +goose StatementBegin
CREATE TRIGGER acts_stay BEFORE UPDATE ON acts BEGIN
	SELECT raise(ABORT, 'the audit log is only added to');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER acts_keep BEFORE DELETE ON acts BEGIN
	SELECT raise(ABORT, 'the audit log is only added to');
END;
-- +goose StatementEnd
