package diff_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plateq/plateq/internal/diff"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// shelf has lists by their numbers.
type shelf map[store.BatchNo][]store.Row

func (s shelf) Rows(_ context.Context, b store.BatchNo, f store.RowFilter, yield func(store.Row) error) error {
	for _, r := range s[b] {
		if len(f.Only) > 0 && !slices.Contains(f.Only, r.Number) {
			continue
		}
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

// list makes rows of "PLATE STATE RESULT"; a plate may have a parameter,
// "PLATE@311".
func list(lines ...string) []store.Row {
	var rows []store.Row
	for i, line := range lines {
		words := strings.SplitN(line+"  ", " ", 3)
		state, _ := store.ParseState(words[1])
		plate, param, _ := strings.Cut(words[0], "@")
		subject := providers.Subject{providers.Plate: plate}
		r := store.Row{Number: i + 1, Subject: subject, State: state}
		if state != store.Invalid {
			r.Question = store.Question{Subject: subject, Params: providers.Params{"operator": param}}
		}
		if state == store.Found || state == store.NotFound {
			r.Answer = &store.Answer{Result: json.RawMessage(strings.TrimSpace(words[2]))}
		}
		rows = append(rows, r)
	}
	return rows
}

// changes runs a comparison and writes what it tells, line by line.
func changes(t *testing.T, before, after []store.Row, o diff.Options) ([]string, diff.Counts) {
	t.Helper()
	var got []string
	counts, err := diff.Run(t.Context(), shelf{1: before, 2: after}, batch(1, before), batch(2, after), o, func(c diff.Change) error {
		line := string(c.Kind)
		for _, r := range []*store.Row{c.Before, c.After} {
			if r == nil {
				line += " -"
			} else {
				line += fmt.Sprintf(" %d:%s", r.Number, r.Subject[providers.Plate])
			}
		}
		for _, f := range c.Fields {
			line += fmt.Sprintf(" %s=%s>%s", f.Name, f.Before, f.After)
		}
		got = append(got, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, counts
}

func batch(no store.BatchNo, rows []store.Row) store.Batch {
	return store.Batch{No: no, Provider: "attestr", Rows: len(rows)}
}

func TestWhatChanged(t *testing.T) {
	t.Parallel()
	before := list(
		`SAME found {"a":1,"b":{"c":[1,2]}}`,
		`MOVED found {"a":1}`,
		`FIELD found {"a":1,"b":{"c":1,"d":2},"gone":null,"list":[1,2]}`,
		`LOST found {"a":1}`,
		`CAME not_found`,
		`FAILED found {"a":1}`,
		`NEVER failed`,
		`GONE found {}`,
		`OPEN queued`,
		`PAR@311 found {"a":1}`,
		`TWICE found {"a":1}`,
		`BAD? invalid`,
		`ORDER found {"a":1,"b":2}`,
		`NUMBER found {"a":1}`,
		`TEXT found "x"`,
	)
	after := list(
		`BAD? invalid`,
		`MOVED found {"a":1}`,
		`SAME found {"a":1,"b":{"c":[1,2]}}`,
		`NEW not_found`,
		`FIELD found {"a":1,"b":{"c":"1","d":2},"list":[2,1],"new":"<&>"}`,
		`LOST not_found`,
		`CAME found {"a":{"b":1}}`,
		`FAILED unknown`,
		`NEVER queued`,
		`OPEN found {}`,
		`PAR@312 found {"a":1}`,
		`TWICE found {"a":2}`,
		`TWICE found {"a":2}`,
		`NEW not_found`,
		`ORDER found {"b":2,"a":1}`,
		`NUMBER found {"a":1.0}`,
		`TEXT found "y"`,
	)
	want := []string{
		`added - 4:NEW`,
		`changed 3:FIELD 5:FIELD b.c=1>"1" gone=null> list=[1,2]>[2,1] new=>"<&>"`,
		`changed 4:LOST 6:LOST status="found">"not_found" a=1>`,
		`changed 5:CAME 7:CAME status="not_found">"found" a={"b":1}`,
		`unclear 6:FAILED 8:FAILED status="found">"unknown"`,
		`unclear 9:OPEN 10:OPEN status="queued">"found"`,
		`added - 11:PAR`,
		`changed 11:TWICE 12:TWICE a=1>2`,
		`changed 14:NUMBER 16:NUMBER a=1>1.0`,
		`changed 15:TEXT 17:TEXT result="x">"y"`,
		`removed 8:GONE -`,
		`removed 10:PAR -`,
	}
	want[3] = `changed 5:CAME 7:CAME status="not_found">"found" a=>{"b":1}`
	got, counts := changes(t, before, after, diff.Options{})
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	wantCounts := diff.Counts{
		Kinds:  map[diff.Kind]int{diff.Added: 2, diff.Removed: 2, diff.Changed: 6, diff.Unclear: 2},
		Same:   5,
		Fields: map[string]int{"a": 4, "b.c": 1, "gone": 1, "list": 1, "new": 1, "status": 2, "result": 1},
	}
	if d := cmp.Diff(wantCounts, counts); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}
}

func TestFieldsCanBeIgnored(t *testing.T) {
	t.Parallel()
	before := list(`A found {"at":1,"b":{"at":1,"c":1}}`, `B found {"at":1,"atlas":1}`)
	after := list(`A found {"at":2,"b":{"at":2,"c":2}}`, `B found {"at":2,"atlas":2}`)
	for ignore, want := range map[string][]string{
		"at":         {`changed 1:A 1:A b.at=1>2 b.c=1>2`, `changed 2:B 2:B atlas=1>2`},
		"at b":       {`changed 2:B 2:B atlas=1>2`},
		"at b.at":    {`changed 1:A 1:A b.c=1>2`, `changed 2:B 2:B atlas=1>2`},
		"at b atlas": nil,
	} {
		got, counts := changes(t, before, after, diff.Options{Ignore: strings.Fields(ignore)})
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("without %s (-want +got):\n%s", ignore, d)
		}
		if n := counts.Same + counts.Kinds[diff.Changed]; n != 2 {
			t.Errorf("without %s: %d rows are counted, want 2", ignore, n)
		}
	}
}

func TestListsOfDifferentProvidersAreNotCompared(t *testing.T) {
	t.Parallel()
	_, err := diff.Run(t.Context(), shelf{}, store.Batch{Provider: "attestr"}, store.Batch{Provider: "resser"}, diff.Options{}, nil)
	if _, ok := errors.AsType[*diff.ProviderError](err); !ok {
		t.Errorf("got %v, want a ProviderError", err)
	}
}

func TestAnErrorEndsTheComparison(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	rows := list("A not_found", "B not_found")
	_, err := diff.Run(t.Context(), shelf{2: rows}, batch(1, nil), batch(2, rows), diff.Options{}, func(diff.Change) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}

// TestEveryRowIsToldOnce: whatever two lists hold, and in however many parts
// they are compared, what is told is what a plain comparison finds.
func TestEveryRowIsToldOnce(t *testing.T) {
	t.Parallel()
	row := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("P%d %s {\"a\":%d}", rapid.IntRange(0, 9).Draw(t, "plate"),
			rapid.SampledFrom([]string{"found", "failed", "queued"}).Draw(t, "state"), rapid.IntRange(0, 2).Draw(t, "a"))
	})
	rapid.Check(t, func(rt *rapid.T) {
		before, after := list(rapid.SliceOfN(row, 0, 12).Draw(rt, "before")...), list(rapid.SliceOfN(row, 0, 12).Draw(rt, "after")...)
		first := func(rows []store.Row) map[string]store.Row {
			m := map[string]store.Row{}
			for _, r := range slices.Backward(rows) {
				m[r.Subject[providers.Plate]] = r
			}
			return m
		}
		a, b := first(before), first(after)
		var want []string
		for plate, r := range a {
			if _, ok := b[plate]; !ok {
				want = append(want, fmt.Sprintf("removed %d:%s -", r.Number, plate))
			}
		}
		for plate, r := range b {
			old, ok := a[plate]
			found, was := r.State == store.Found, old.State == store.Found
			switch {
			case !ok:
				want = append(want, fmt.Sprintf("added - %d:%s", r.Number, plate))
			case found && was && string(r.Answer.Result) != string(old.Answer.Result):
				want = append(want, fmt.Sprintf("changed %d:%s %d:%s", old.Number, plate, r.Number, plate))
			case found != was:
				want = append(want, fmt.Sprintf("unclear %d:%s %d:%s", old.Number, plate, r.Number, plate))
			}
		}
		parts := rapid.SampledFrom([]int{0, 1, 3}).Draw(rt, "part")
		got, _ := changes(t, before, after, diff.Options{PartRows: parts})
		for i, line := range got {
			if words := strings.Fields(line); len(words) > 3 {
				got[i] = strings.Join(words[:3], " ")
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatalf("(-want +got):\n%s", d)
		}
	})
}
