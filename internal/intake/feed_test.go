package intake_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// taker is the part of a store that a list is fed to.
type taker struct {
	store.Intake // the rest is not called
	rows         []store.NewRow
	pieces       []int
	firsts       []int // numbers of the first rows, as they were prepared
	fail         error
	failAt       int // the piece, from 1; 0: none
}

func (s *taker) PieceRows() int { return 20_000 }

func (s *taker) Prepare(_ context.Context, _ store.BatchNo, first int, rows []store.NewRow) (store.Piece, error) {
	s.firsts = append(s.firsts, first)
	return store.Piece{Rows: rows}, nil
}

func (s *taker) AddRows(_ context.Context, _ store.BatchNo, p store.Piece) (store.Taken, error) {
	rows := p.Rows
	if s.failAt == len(s.pieces)+1 {
		return store.Taken{}, s.fail
	}
	s.pieces = append(s.pieces, len(rows))
	s.rows = append(s.rows, rows...)
	got := store.Taken{Rows: len(rows)}
	for _, r := range rows {
		if r.Problem != nil {
			got.Invalid++
		} else {
			got.Asks++
		}
	}
	return got, nil
}

func openList(t testing.TB, in io.Reader, o intake.Options) *intake.Reader {
	t.Helper()
	if o.Spec.Name == "" {
		o.Spec = plates
	}
	r, err := intake.Open(in, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFeed(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	in.WriteString("plate,id\n")
	for i := range 43_345 {
		fmt.Fprintf(&in, "DL01AA%04d,%d\n", i%10_000, i)
		if i%1000 == 0 {
			in.WriteString("?,bad\n-,empty\n")
		}
	}
	const rows = 43_345 + 88
	var st taker
	var told []int
	got, err := intake.Feed(t.Context(), &st, 1, openList(t, strings.NewReader(in.String()), intake.Options{}),
		func(n int) { told = append(told, n) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(store.Taken{Rows: rows, Invalid: 88, Asks: rows - 88}, got.Taken); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	reasons := []intake.Reason{
		{Code: "plate_characters", Rows: 44, Lines: []int{3, 1005, 2007, 3009, 4011}},
		{Code: "plate_empty", Rows: 44, Lines: []int{4, 1006, 2008, 3010, 4012}},
	}
	if diff := cmp.Diff(reasons, got.Reasons.Sorted(), cmpopts.IgnoreFields(intake.Reason{}, "Message")); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{20_000, 40_000, rows}, told); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{1, 20_001, 40_001}, st.firsts); diff != "" {
		t.Errorf("first rows of the pieces, as prepared (-want +got):\n%s", diff)
	}
	next := 0
	for _, r := range st.rows {
		if r.Problem == nil {
			if r.CallerID != fmt.Sprint(next) {
				t.Fatalf("row with id %s, want %d", r.CallerID, next)
			}
			next++
		}
	}
}

func TestWideRowsComeInSmallerPieces(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	in.WriteString("plate,note\n")
	note := strings.Repeat("n", 16<<10-len("DL01AA0000"))
	for i := range 600 {
		fmt.Fprintf(&in, "DL01AA%04d,%s\n", i, note)
	}
	var st taker
	if _, err := intake.Feed(t.Context(), &st, 1, openList(t, strings.NewReader(in.String()), intake.Options{}), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 257, 513}, st.firsts); diff != "" {
		t.Errorf("first rows of pieces of 4 MB (-want +got):\n%s", diff)
	}
}

func TestFeedEnds(t *testing.T) {
	t.Parallel()
	t.Run("by the store", func(t *testing.T) {
		t.Parallel()
		st := taker{fail: store.ErrFull, failAt: 2}
		got, err := intake.Feed(t.Context(), &st, 1, openList(t, generated(45_000), intake.Options{}), nil)
		if !errors.Is(err, store.ErrFull) || got.Rows != 20_000 {
			t.Errorf("got %d rows, %v, want 20000, %v", got.Rows, err, store.ErrFull)
		}
	})
	t.Run("by the list", func(t *testing.T) {
		t.Parallel()
		var st taker
		in := io.MultiReader(generated(7000), strings.NewReader("\"open"))
		got, err := intake.Feed(t.Context(), &st, 1, openList(t, in, intake.Options{Name: "f"}), nil)
		e, ok := errors.AsType[*intake.InputError](err)
		if !ok || e.Line != 7002 || e.File != "f" || got.Rows != 7000 {
			t.Errorf("got %d rows, %v, want 7000 and an error on line 7002", got.Rows, err)
		}
	})
	t.Run("by the caller", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped")
		in, hold := io.Pipe()
		defer hold.Close()
		go io.Copy(hold, generated(10_500)) // and then nothing, as of a pipe that waits
		r := openList(t, in, intake.Options{})
		time.AfterFunc(50*time.Millisecond, func() { cancel(stopped) })
		if _, err := intake.Feed(ctx, &taker{}, 1, r, nil); !errors.Is(err, stopped) {
			t.Errorf("got %v, want %v", err, stopped)
		}
	})
}

// generated is a list of n different plates, made as it is read.
func generated(n int) io.Reader {
	in, out := io.Pipe()
	go func() {
		b := []byte("plate,id,city\n")
		for i := range n {
			b = fmt.Appendf(b, "DL%02dAA%04d,%d,Pune\n", i/10_000%100, i%10_000, i)
			if len(b) > 1<<15 || i == n-1 {
				if _, err := out.Write(b); err != nil {
					return
				}
				b = b[:0]
			}
		}
		out.Close()
	}()
	return in
}

// TestRoundTrip: whatever a list holds, each row comes out once, in order,
// with every cell as it went in.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	pieces := []string{"DL01AA1000", "а1", "\"", "\"\"", ",", ";", "\t", "\n", " ", "'", "=", "\\", "é", "\u200b", "{", "}", "x"}
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		names := []string{"plate", "note", "city"}
		want := make([][]string, 1+rnd.IntN(50))
		for i := range want {
			want[i] = []string{fmt.Sprintf("KA%06d", i), "", ""}
			for c := 1; c < 3; c++ {
				for range rnd.IntN(5) {
					want[i][c] += pieces[rnd.IntN(len(pieces))]
				}
			}
		}
		sep := rune(",;\t"[rnd.IntN(3)])
		for form, in := range map[intake.Format]string{
			intake.CSV:   asCSV(t, sep, rnd.IntN(2) == 0, names, want),
			intake.JSONL: asJSONL(t, names, want),
		} {
			var got [][]string
			for _, row := range readAll(t, openList(t, strings.NewReader(in), intake.Options{})) {
				if row.Problem != nil {
					t.Fatalf("seed %d, %s: row is invalid: %v", seed, form, row.Problem)
				}
				got = append(got, row.NewRow.Line)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, %s (-want +got):\n%s", seed, form, diff)
			}
		}
	}
}

func asCSV(t *testing.T, sep rune, crlf bool, names []string, rows [][]string) string {
	t.Helper()
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = sep
	if err := w.WriteAll(append([][]string{names}, rows...)); err != nil {
		t.Fatal(err)
	}
	if crlf { // inside of quotes too: a line end is one, however it is written
		return strings.ReplaceAll(b.String(), "\n", "\r\n")
	}
	return b.String()
}

func asJSONL(t *testing.T, names []string, rows [][]string) string {
	t.Helper()
	var b strings.Builder
	for _, row := range rows {
		b.WriteString("{")
		for i, name := range names {
			text, err := json.Marshal(row[i])
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(&b, "%q:%s", name, text)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// TestMembersBehindTheSample: members whose names come up late are kept.
func TestMembersBehindTheSample(t *testing.T) {
	t.Parallel()
	in := strings.Repeat(`{"plate":"DL01AA1000"}`+"\n", 1000) + `{"plate":"DL01AA1001","late":[1],"later":"x"}` + "\n"
	r := openList(t, strings.NewReader(in), intake.Options{})
	rows := readAll(t, r)
	if !slices.Equal(r.Columns(), []string{"plate", "more"}) || len(rows) != 1001 {
		t.Fatalf("columns %q, %d rows", r.Columns(), len(rows))
	}
	if got, want := rows[1000].NewRow.Line[1], `{"late":[1],"later":"x"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzCSV holds the reader against encoding/csv: where that reads a list, the
// rows are the same but for blank ones.
func FuzzCSV(f *testing.F) {
	for _, l := range lists {
		f.Add(l.in)
	}
	for _, l := range refused[:len(refused)-2] {
		f.Add(l.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		in = "plate,note\n" + in
		rows, err := readSome(in, intake.CSV)
		ref := csv.NewReader(strings.NewReader(in))
		ref.FieldsPerRecord = -1
		want, refErr := ref.ReadAll()
		if err != nil || refErr != nil || strings.Contains(in, "\r") {
			return
		}
		want = slices.DeleteFunc(want[1:], func(r []string) bool { return strings.Trim(strings.Join(r, ""), " \t") == "" })
		rows = slices.DeleteFunc(rows, func(r intake.Row) bool { return strings.Trim(strings.Join(r.NewRow.Line, ""), " \t") == "" })
		if len(rows) != len(want) {
			t.Fatalf("%q: %d rows, want %d", in, len(rows), len(want))
		}
		for i, r := range rows {
			for c := range min(2, len(want[i])) {
				if moved := r.Problem != nil && r.Problem.Code == "csv_columns"; r.NewRow.Line[c] != want[i][c] && !moved {
					t.Fatalf("%q: row %d has %q, want %q", in, i, r.NewRow.Line, want[i])
				}
			}
		}
	})
}

// FuzzJSONL: a row is asked about exactly the plate that encoding/json reads.
func FuzzJSONL(f *testing.F) {
	for _, s := range []string{`{"plate":"DL01"}`, `{"plate":"a\u0041","n":{"x":[1,"]"]}}`, `{}`, `[]`, `{"plate":12,"a":-1e5,"b":"\\\""}`, `{"":null}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		in := `{"plate":"FIRST"}` + "\n" + line + "\n"
		rows, err := readSome(in, intake.JSONL)
		if err != nil || len(rows) != 2 || rows[1].Problem != nil {
			return
		}
		var ref map[string]any
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&ref); err != nil {
			t.Fatalf("%q is a row, and encoding/json says %v", line, err)
		}
		want, fault := intake.Plate(fmt.Sprint(ref["plate"]))
		if got := rows[1].Question.Subject[providers.Plate]; fault != nil || got != want {
			t.Fatalf("%q: asks about %q, want %q (%v)", line, got, want, fault)
		}
	})
}

func readSome(in string, f intake.Format) ([]intake.Row, error) {
	r, err := intake.Open(strings.NewReader(in), intake.Options{Format: f, Spec: plates})
	var rows []intake.Row
	for err == nil {
		var row intake.Row
		if row, err = r.Next(context.Background()); err == nil {
			rows = append(rows, row)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return rows, err
}

func BenchmarkRead(b *testing.B) {
	var plain, quoted, objects strings.Builder
	plain.WriteString("plate,id,city\n")
	quoted.WriteString("plate,id,city\n")
	const rows = 20_000
	for i := range rows {
		fmt.Fprintf(&plain, "DL01AA%04d,%d,Pune\n", i%10_000, i)
		fmt.Fprintf(&quoted, "\"dl 01 aa %04d\",\"%d\",\"Pune, MH\"\n", i%10_000, i)
		fmt.Fprintf(&objects, "{\"plate\":\"DL01AA%04d\",\"id\":\"%d\",\"city\":\"Pune\"}\n", i%10_000, i)
	}
	for name, in := range map[string]string{"csv": plain.String(), "csv_quoted": quoted.String(), "jsonl": objects.String()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := openList(b, strings.NewReader(in), intake.Options{})
				for {
					if _, err := r.Next(b.Context()); err != nil {
						break
					}
				}
			}
			b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
