package main

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// makeSealed is the least in which nobody reads a plate, and in which the next
// list finds what was asked before.
const makeSealed = `
	CREATE TABLE keys (key bytea PRIMARY KEY, ask bigint NOT NULL);
	CREATE TABLE asks (id bigint PRIMARY KEY, question bytea NOT NULL);
	CREATE TABLE rows (id bigint PRIMARY KEY, ask bigint NOT NULL, line bytea NOT NULL);
	CREATE TABLE claims (first bigint PRIMARY KEY, upto bigint NOT NULL);
	CREATE TABLE answers (ask bigint PRIMARY KEY, at bigint NOT NULL, body bytea NOT NULL);
	ALTER TABLE asks ALTER COLUMN question SET STORAGE EXTERNAL;
	ALTER TABLE rows ALTER COLUMN line SET STORAGE EXTERNAL;
	ALTER TABLE answers ALTER COLUMN body SET STORAGE EXTERNAL`

// pieceRows are written in a transaction.
const pieceRows = 20_000

// sealedRow is a plate as it is stored.
type sealedRow struct {
	id             int64
	key            [sha256.Size]byte
	question, line []byte
}

// copySealed reads the list and copies its plates into PostgreSQL as somebody
// would by hand who must seal them.
func (r role) copySealed(ctx context.Context) error {
	s, err := openSealed(ctx, r.Database)
	if err != nil {
		return err
	}
	defer s.close()
	return s.takeIn(ctx, r.List)
}

// takeIn seals each plate twice, as what is asked and as what the customer
// wrote, and enters it with its keyed hash. The next piece is prepared while
// one is written.
func (s *sealedStore) takeIn(ctx context.Context, list string) error {
	pieces := make(chan []sealedRow, 1)
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		defer close(pieces)
		return s.prepare(ctx, list, pieces)
	})
	work.Go(func() error {
		for p := range pieces {
			if err := pgx.BeginFunc(ctx, s.writes, func(tx pgx.Tx) error { return writeSealed(ctx, tx, p) }); err != nil {
				return fmt.Errorf("copy: %w", err)
			}
			s.taken += int64(len(p))
		}
		return nil
	})
	return work.Wait()
}

// sealing holds the keys of a run. It is safe for concurrent use.
type sealing struct {
	aead cipher.AEAD // makes its own nonces
	mac  []byte
}

func (s *sealing) seal(text []byte) []byte {
	return s.aead.Seal(nil, nil, text, nil) //nolint:gosec // that makes its nonce itself
}

func (s *sealing) open(sealed []byte) ([]byte, error) {
	return s.aead.Open(nil, nil, sealed, nil)
}

func newSealing() (*sealing, error) {
	secret := make([]byte, 2*sha256.Size)
	_, _ = rand.Read(secret) // never fails
	block, err := aes.NewCipher(secret[:sha256.Size])
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return &sealing{aead, secret[sha256.Size:]}, nil
}

// prepare hands the plates of a list over in pieces.
func (s *sealing) prepare(ctx context.Context, list string, pieces chan<- []sealedRow) error {
	plates := make([]string, 0, pieceRows)
	next := int64(0)
	hand := func() error {
		select {
		case pieces <- s.rows(next, plates):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		next += int64(len(plates))
		plates = plates[:0]
		return nil
	}
	err := readList(list, func(_ int, plate string) error {
		if plates = append(plates, plate); len(plates) < pieceRows {
			return nil
		}
		return hand()
	})
	if err != nil || len(plates) == 0 {
		return err
	}
	return hand()
}

// rows seals plates on all cores; the first gets the number first.
func (s *sealing) rows(first int64, plates []string) []sealedRow {
	rows := make([]sealedRow, len(plates))
	var g errgroup.Group
	part := (len(rows) + runtime.NumCPU() - 1) / runtime.NumCPU()
	for from := 0; from < len(rows); from += part {
		g.Go(func() error {
			mac := hmac.New(sha256.New, s.mac)
			for i := from; i < min(from+part, len(rows)); i++ {
				row, plate := &rows[i], []byte(plates[i])
				row.id = first + int64(i)
				mac.Reset()
				_, _ = mac.Write(plate) // never fails
				mac.Sum(row.key[:0])
				row.question, row.line = s.seal(plate), s.seal(plate)
			}
			return nil
		})
	}
	_ = g.Wait() // none of them fails
	return rows
}

// writeSealed copies a piece: its keys in their own order, the rest in that of
// the list.
func writeSealed(ctx context.Context, tx pgx.Tx, piece []sealedRow) error {
	sorted := slices.Clone(piece)
	slices.SortFunc(sorted, func(a, b sealedRow) int { return bytes.Compare(a.key[:], b.key[:]) })
	for _, t := range []struct {
		name    string
		columns []string
		rows    []sealedRow
		cells   func(*sealedRow) []any
	}{
		{"keys", []string{"key", "ask"}, sorted, func(r *sealedRow) []any { return []any{r.key[:], r.id} }},
		{"asks", []string{"id", "question"}, piece, func(r *sealedRow) []any { return []any{r.id, r.question} }},
		{"rows", []string{"id", "ask", "line"}, piece, func(r *sealedRow) []any { return []any{r.id, r.id, r.line} }},
	} {
		from := pgx.CopyFromSlice(len(t.rows), func(i int) ([]any, error) { return t.cells(&t.rows[i]), nil })
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, from); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}
