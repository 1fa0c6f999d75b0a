package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProblemsAreWrittenBeforeAnybodyIsAsked: by an estimate, and by a run that
// nobody agreed to pay for.
func TestProblemsAreWrittenBeforeAnybodyIsAsked(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "PLATEQ_CONFIRM_ABOVE=1")
	const want = "line,row,kind,column,code,message,id,plate,depot\n5,4,invalid,plate,plate_characters,\"the plate holds '?', which cannot be part of it\",d,??,west\n"
	for code, command := range map[int]string{
		0: "estimate mixed.csv -p attestr --simulate --problems bad0.csv",
		2: "run mixed.csv -p attestr --simulate -o out.csv --problems bad2.csv",
	} {
		p.ok(t, code, strings.Fields(command)...)
		got, err := os.ReadFile(filepath.Join(p.dir, command[strings.LastIndex(command, " ")+1:]))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %v\n%s", command, err, got)
		}
	}
	p.write(t, "cut.csv", "plate\n??\n\"DL01AA1000\n")
	for _, tt := range []struct{ args, want string }{
		{"estimate cut.csv -p attestr --simulate --problems bad.csv", "line 3: a quote that is opened here is not closed"},
		{"run cut.csv -p attestr --simulate --problems bad.csv", "line 3: a quote that is opened here is not closed"},
		{"estimate mixed.csv -p attestr --simulate --problems bad.pdf", "not written as .pdf"},
		{"estimate - -p attestr --simulate --problems bad.csv", "a pipe can be read only once"},
	} {
		_, errs := p.ok(t, 2, strings.Fields(tt.args)...)
		if !strings.Contains(errs, tt.want) {
			t.Errorf("plateq %s: %s", tt.args, errs)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(p.dir, "*bad.*")); len(left) > 0 {
		t.Errorf("half a file was left: %s", left)
	}
}
