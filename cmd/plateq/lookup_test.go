package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	addr, _ := p.up(t)
	p.env = append(p.env, "PLATEQ_URL="+addr)
	for name, tt := range map[string]struct {
		args   []string
		code   int
		status client.Status
		said   string // on standard error
	}{
		"an answer at once":    {[]string{"DL01AA1000", "-p", "regnum"}, 0, client.RowFound, "next: plateq status b_"},
		"an answer later":      {[]string{"dl 01 aa 1000", "-p", "attestr"}, 0, client.RowFound, "next: plateq status b_"},
		"of more than a plate": {[]string{"A123BC77", "-p", "spectrumdata", "--set", "inn=7707083893"}, 0, client.RowFound, ""},
		"no plate":             {[]string{"??", "-p", "attestr"}, 3, client.RowInvalid, "1 of 1 rows have no answer"},
		"nobody to ask":        {[]string{"DL01AA1000"}, 2, "", "-p PROVIDER is missing"},
		"nobody of that name":  {[]string{"DL01AA1000", "-p", "nobody"}, 2, "", `unknown provider "nobody"`},
		"two plates":           {[]string{"DL01AA1000", "DL01AA1001", "-p", "attestr"}, 2, "", "one argument too many"},
		"no price":             {[]string{"DL01AA1000", "-p", "regnum", "--max-cost", "1"}, 2, "", "nobody has said what a question to regnum costs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := p.plateq(t, append([]string{"lookup"}, tt.args...)...)
			var row client.Row
			if tt.status != "" {
				if err := json.Unmarshal([]byte(stdout), &row); err != nil {
					t.Fatalf("%q: %v", stdout, err)
				}
			}
			if code != tt.code || row.Status != tt.status || !strings.Contains(stderr, tt.said) {
				t.Errorf("exit %d, %q, %s; want %d, %q, %q", code, row.Status, stderr, tt.code, tt.status, tt.said)
			}
		})
	}
}

func TestLookupWithoutAServer(t *testing.T) {
	t.Parallel()
	code, _, stderr := newPlace(t).plateq(t, "lookup", "DL01AA1000", "-p", "attestr")
	if code != 2 || !strings.Contains(stderr, "start one with plateq up") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}
