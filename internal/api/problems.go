package api

import (
	"context"
	"io"
	"net/http"

	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/internal/intake"
)

// listProblems reads a list through and answers with every row that is invalid
// or odd, as it goes. Nothing is kept. A list that turns out to be no list
// half way breaks the answer off: an estimate says why.
func (s *server) listProblems(w http.ResponseWriter, r *http.Request) error {
	media := preferred(r.Header.Values("Accept"), typeNDJSON, typeCSV, typeXLSX)
	if media == "" {
		return problem(http.StatusNotAcceptable, "not_acceptable", "problems come as %s, %s and %s", typeNDJSON, typeCSV, typeXLSX)
	}
	l, _, err := s.readAny(w, r)
	if err != nil {
		return err
	}
	if l.from.Spec, err = s.Providers.Spec(l.Provider); err != nil {
		return err
	}
	rows, err := intake.Open(l.rows, l.from)
	if err != nil {
		return err
	}
	// The answer begins before the list has ended. Without a connection there
	// is nothing to be said about it.
	_ = http.NewResponseController(w).EnableFullDuplex()
	return s.writeProblems(w, r, media, rows)
}

func (s *server) writeProblems(w http.ResponseWriter, r *http.Request, media string, rows *intake.Reader) error {
	o := export.Options{Format: exportFormats[media]}
	if media == typeCSV {
		media += "; charset=utf-8"
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Cache-Control", "no-store")
	return WriteProblems(r.Context(), newDownload(w), o, rows, s.fits)
}

// WriteProblems writes to w what is invalid or odd of a list. fits is told how
// many rows there are so far, and may end it.
func WriteProblems(ctx context.Context, w io.Writer, o export.Options, rows *intake.Reader, fits func(rows int) error) error {
	out, err := export.NewProblems(w, o, rows.Columns())
	if err != nil {
		return err
	}
	err = intake.Faults(ctx, rows, func(f intake.Fault) error {
		if err := fits(f.Row); err != nil {
			return err
		}
		p := export.Problem{Line: f.Line, Row: f.Row, Kind: export.ProblemInvalid, Column: f.Column, Code: f.Code, Message: f.Message, Cells: f.Cells}
		if f.Odd {
			p.Kind = export.ProblemOdd
		}
		return out.Write(p)
	})
	if err != nil {
		return err
	}
	return out.Close()
}
