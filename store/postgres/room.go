package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// A claim finds out whether the disk has room for what its call will bring: it
// fills pages of a table that each session has for itself, in the tablespace
// of the answers, and that the commit empties. The server takes the space from
// the file system when a page is added. The books alone would not tell: a
// claim finds room within pages that are there.
//
// A temporary table costs no log of changes, no lock that others wait for, and
// leaves nothing to be vacuumed. One row fills a page of it, as the rest of
// the page is kept free.
const makeRoom = `CREATE TEMPORARY TABLE plateq_room (filler varchar(400) NOT NULL)
	WITH (fillfactor = 10) ON COMMIT DELETE ROWS TABLESPACE `

// roomKey is where a connection keeps that it has the table.
const roomKey = "room"

const pageSize = 8 << 10

// answersSpace is the tablespace of the newest partition of answers.
const answersSpace = `SELECT quote_ident(t.spcname) FROM pg_tablespace t, pg_database d WHERE d.datname = current_database()
	AND t.oid = coalesce((SELECT nullif(c.reltablespace, 0) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'answers'::regclass ORDER BY c.oid DESC LIMIT 1), d.dattablespace)`

// assertRoom asks whether the table may be made.
func (c conn) assertRoom(ctx context.Context) error {
	may, err := c.truth(ctx, "SELECT has_database_privilege(current_database(), 'TEMPORARY')")
	if err != nil {
		return fmt.Errorf("read rights: %w", err)
	}
	if !may {
		return errors.New("the user may make no temporary tables, by which room on the disk is looked for: GRANT TEMPORARY ON DATABASE … TO …")
	}
	return nil
}

// queueRoom adds to a batch of statements that the transaction fails where
// there is no space for the answers to n asks.
func (t *tx) queueRoom(ctx context.Context, b *pgx.Batch, n int) error {
	if err := t.raw.makeRoom(ctx); err != nil {
		return fmt.Errorf("look for space: %w", err)
	}
	pages := (store.Room(n) + pageSize - 1) / pageSize
	b.Queue("INSERT INTO pg_temp.plateq_room SELECT repeat(' ', 400) FROM generate_series(1, $1)", pages)
	return nil
}

// makeRoom makes the table, in the first claim of a session.
func (s *session) makeRoom(ctx context.Context) error {
	s.roomy = true
	if s.hasRoom() {
		return nil
	}
	var space string
	if err := s.QueryRow(ctx, answersSpace).Scan(&space); err != nil {
		return err
	}
	_, err := s.Exec(ctx, makeRoom+space)
	return err
}

func (s *session) hasRoom() bool { return s.Conn.Conn().PgConn().CustomData()[roomKey] != nil }

// keepRoom remembers that the table is there: what made it is committed.
func (s *session) keepRoom() {
	if s.roomy {
		s.Conn.Conn().PgConn().CustomData()[roomKey] = true
	}
}

// leaveRoom gives back what a transaction took that was rolled back: only a
// commit does, one that has seen the table.
func (s *session) leaveRoom(ctx context.Context) {
	if s.roomy && s.hasRoom() {
		_, _ = s.Conn.Exec(ctx, "SELECT FROM pg_temp.plateq_room LIMIT 0") // the next claim does so too
	}
}
