package postgres

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// session is a connection whose transaction begins with the first statement,
// on the same way to the server.
type session struct {
	*pgxpool.Conn
	begun bool
	roomy bool // it has looked for space
}

const begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

func (s *session) begin(ctx context.Context) error {
	if s.begun {
		return nil
	}
	s.begun = true
	if _, err := s.Conn.Exec(ctx, begin); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	return nil
}

// Query implements querier.
func (s *session) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	return s.Conn.Query(ctx, query, args...)
}

// QueryRow implements querier.
func (s *session) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	if err := s.begin(ctx); err != nil {
		return failedRow{err}
	}
	return s.Conn.QueryRow(ctx, query, args...)
}

type failedRow struct{ err error }

// Scan implements pgx.Row.
func (r failedRow) Scan(...any) error { return r.err }

// Exec implements querier.
func (s *session) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	if err := s.begin(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	return s.Conn.Exec(ctx, query, args...)
}

// copy runs COPY … FROM STDIN.
func (s *session) copy(ctx context.Context, statement string, rows io.Reader) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	_, err := s.Conn.Conn().PgConn().CopyFrom(ctx, rows, statement)
	return err
}

// SendBatch implements querier.
func (s *session) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if !s.begun {
		s.begun = true
		b.QueuedQueries = slices.Insert(b.QueuedQueries, 0, &pgx.QueuedQuery{SQL: begin})
	}
	return s.Conn.SendBatch(ctx, b)
}

// commit commits, and runs after on the same way. That may fail without the
// commit's being any less made.
func (s *session) commit(ctx context.Context, after *pgx.Batch) error {
	if !s.begun {
		return nil
	}
	var tag pgconn.CommandTag
	b := &pgx.Batch{}
	b.Queue("COMMIT").Exec(func(t pgconn.CommandTag) error { tag = t; return nil })
	if after != nil {
		b.QueuedQueries = append(b.QueuedQueries, after.QueuedQueries...)
	}
	err := s.Conn.SendBatch(ctx, b).Close()
	switch tag.String() {
	case "COMMIT":
		s.keepRoom()
		return nil
	case "ROLLBACK":
		return pgx.ErrTxCommitRollback
	default:
		return err
	}
}

// rollback ends the transaction without an effect. A connection that cannot do
// so is closed when it is given back.
func (s *session) rollback(ctx context.Context) {
	if s.begun {
		_, _ = s.Conn.Exec(ctx, "ROLLBACK")
		s.leaveRoom(ctx)
	}
}
