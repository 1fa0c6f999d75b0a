package intake

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/plateq/plateq/store"
)

// pieceBytes is how much text of rows the store is given at once, so that wide
// ones take no more memory and no longer to come.
const pieceBytes = 4 << 20

// Summary is what became of a list.
type Summary struct {
	store.Taken         // summed over the list
	Reasons     Reasons // why rows are invalid
}

// Feed gives the rows of r to the batch in pieces, reading and preparing ahead
// while the store takes one. progress, which may be nil, is told after each piece how
// many rows the store has taken so far.
//
// After an error the batch holds a part of the list and is to be abandoned,
// and r must not be used any more.
// If ctx ends, Feed returns at once with its cause; a read of the list that
// has begun ends by itself.
func Feed(ctx context.Context, st store.Intake, batch store.BatchNo, r *Reader, progress func(rows int)) (Summary, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	pieces := make(chan piece)
	go prepare(ctx, st, batch, r, pieces)

	sum := Summary{Reasons: Reasons{}}
	for {
		p, err := take(ctx, pieces)
		if errors.Is(err, io.EOF) {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
		got, err := st.AddRows(ctx, batch, p.Piece)
		if err != nil {
			return sum, fmt.Errorf("store rows: %w", err)
		}
		sum.add(got, p.reasons)
		if progress != nil {
			progress(sum.Rows)
		}
	}
}

// piece is a run of rows, or what ended the list.
type piece struct {
	store.Piece
	first   []Row // of those that are not invalid
	reasons Reasons
	err     error
}

// prepare sends the list in pieces, the last of which holds the error that
// ended it, io.EOF in the end. The store prepares each for the place that it
// gets unless somebody else adds to the batch. Both take less time than storing
// it, so that they need not go on side by side, with one more piece in memory.
func prepare(ctx context.Context, st store.Intake, batch store.BatchNo, r *Reader, to chan<- piece) {
	most, room := st.PieceRows(), 0
	for next := 1; ; {
		p := read(ctx, r, most, room)
		ended := p.err
		room = len(p.Rows) // most lists have no second piece
		if n := len(p.Rows); n > 0 {
			p.Piece, p.err = st.Prepare(ctx, batch, next, p.Rows)
			next += n
			if !send(ctx, to, p) || p.err != nil {
				return
			}
		}
		if ended != nil {
			send(ctx, to, piece{err: ended})
			return
		}
	}
}

func send(ctx context.Context, to chan<- piece, p piece) bool {
	select {
	case to <- p:
		return true
	case <-ctx.Done():
		return false
	}
}

// read reads a piece of so many rows at most, with room for some of them.
func read(ctx context.Context, r *Reader, most, room int) piece {
	p := piece{Piece: store.Piece{Rows: make([]store.NewRow, 0, room)}, reasons: Reasons{}}
	for size := 0; len(p.Rows) < most && size < pieceBytes; {
		row, err := r.Next(ctx)
		if err != nil {
			p.err = err
			return p
		}
		if row.Problem != nil {
			p.reasons.add(row.Problem, row.Line)
		}
		if r.warnings != nil && row.Problem == nil {
			if odd := warn(r.spec, row.Question.Subject); odd != nil {
				r.warnings.add(odd, row.Line)
			}
		}
		if row.Problem == nil && len(p.first) < firstRows {
			p.first = append(p.first, row)
		}
		p.Rows = append(p.Rows, row.NewRow)
		for _, cell := range row.NewRow.Line {
			size += len(cell)
		}
	}
	return p
}

func take(ctx context.Context, from <-chan piece) (piece, error) {
	select {
	case p := <-from:
		return p, p.err
	case <-ctx.Done():
		return piece{}, context.Cause(ctx)
	}
}

func (s *Summary) add(t store.Taken, reasons Reasons) {
	s.Rows += t.Rows
	s.Invalid += t.Invalid
	s.Asks += t.Asks
	s.Shared += t.Shared
	s.Joined += t.Joined
	s.Cached += t.Cached
	s.Unknown += t.Unknown
	s.Reasons.merge(reasons)
}
