-- +goose Up

-- The audit log: who did what, by ids and plain words. no: from 1, without a
-- gap. hash: keyed, over the record and the hash before.
CREATE TABLE acts (
	no     bigint PRIMARY KEY,
	at     bigint NOT NULL,
	who    text   NOT NULL,
	kind   text   NOT NULL,
	tenant text   NOT NULL,
	about  text   NOT NULL,
	note   text   NOT NULL,
	hash   bytea  NOT NULL
);
CREATE INDEX acts_about ON acts (about, no) WHERE about <> '';

-- +goose StatementBegin
CREATE FUNCTION acts_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the audit log is only added to';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER acts_stay BEFORE UPDATE OR DELETE ON acts FOR EACH ROW EXECUTE FUNCTION acts_stay();
CREATE TRIGGER acts_keep BEFORE TRUNCATE ON acts FOR EACH STATEMENT EXECUTE FUNCTION acts_stay();
