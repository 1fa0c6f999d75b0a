package main

import (
	"context"
	"database/sql"
	"fmt"

	_ "modernc.org/sqlite" // the driver
)

// sqliteSink keeps answers in a file, through database/sql, with a log that is
// synced now and then: synchronous=NORMAL.
type sqliteSink struct{ db *sql.DB }

// sqliteFile is in the folder in which the process runs.
const sqliteFile = "file:answers.db?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"

func openSQLite(ctx context.Context) (*sqliteSink, error) {
	db, err := sql.Open("sqlite", sqliteFile)
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	if _, err := db.ExecContext(ctx, makeAnswers); err != nil {
		return nil, fmt.Errorf("make table: %w", err)
	}
	return &sqliteSink{db}, nil
}

const makeAnswers = `CREATE TABLE results (seq INTEGER PRIMARY KEY, plate TEXT NOT NULL, at INTEGER NOT NULL, answer TEXT NOT NULL)`

func (s *sqliteSink) write(ctx context.Context, all []answered) (err error) {
	return s.insert(ctx, `INSERT INTO results (seq, plate, at, answer) VALUES (?, ?, ?, ?)`, len(all), func(i int) []any {
		return []any{all[i].seq, all[i].plate, all[i].at.UnixMilli(), string(all[i].body)}
	})
}

// insert writes n rows in one transaction.
func (s *sqliteSink) insert(ctx context.Context, statement string, n int, row func(int) []any) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write answers: %w", err)
		}
	}()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it has been committed, or the first error says more
	st, err := tx.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // it ends with the transaction
	for i := range n {
		if _, err := st.ExecContext(ctx, row(i)...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *sqliteSink) export(ctx context.Context, path string) error {
	return writeResults(path, func(do func([]string) error) error { return s.each(ctx, do) })
}

func (s *sqliteSink) each(ctx context.Context, do func([]string) error) error {
	rows, err := s.db.QueryContext(ctx, `SELECT plate, at, answer FROM results ORDER BY seq`)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	row := make([]string, 3)
	for rows.Next() {
		if err := rows.Scan(&row[0], &row[1], &row[2]); err != nil {
			return err
		}
		if err := do(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *sqliteSink) close() { _ = s.db.Close() }
