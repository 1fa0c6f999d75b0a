package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDoctorSaysWhatToDo(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "PLATEQ_RESSER_AUTH_VALUE=canary", "PLATEQ_RESSER_AUTH_HEADER=X-Key", "PLATEQ_RESSER_BASE_URL=http://127.0.0.1:1", "PLATEQ_RESER_RATE=1",
		"PLATEQ_ADMIN_LISTEN=127.0.0.1:1") // nobody is there, whoever else runs on this machine
	for _, c := range []struct {
		args  []string
		code  int
		parts []string
	}{
		{[]string{"doctor", "--local"}, 0, []string{"configuration", "PLATEQ_RESER_RATE", "PLATEQ_RESSER_RATE", "do: correct the variable"}},
		{[]string{"doctor"}, 5, []string{"fault", "provider resser", "do: see that this machine reaches it"}},
		{[]string{"doctor", "--format", "xml"}, 2, nil},
		{[]string{"doctor", "--health"}, 1, nil},
	} {
		got, out, _ := p.plateq(t, c.args...)
		if got != c.code {
			t.Errorf("%s: exit %d, want %d:\n%s", c.args, got, c.code, out)
		}
		for _, part := range c.parts {
			if !strings.Contains(out, part) {
				t.Errorf("%s: got\n%swant %q", c.args, out, part)
			}
		}
		if strings.Contains(out, "canary") {
			t.Errorf("%s: the secret is shown:\n%s", c.args, out)
		}
	}
	code, out, _ := p.plateq(t, "doctor", "--format=json")
	var found []struct{ Check, Level, Text, Do string }
	if err := json.Unmarshal([]byte(out), &found); code != 5 || err != nil || len(found) < 4 {
		t.Errorf("exit %d, %v, %d findings:\n%s", code, err, len(found), out)
	}
	p.env = append(p.env, "PLATEQ_GRACE=never", "PLATEQ_LISTEN=8080")
	code, out, _ = p.plateq(t, "doctor")
	if code != 2 || strings.Count(out, "fault") != 2 {
		t.Errorf("exit %d, want 2 and both faults:\n%s", code, out)
	}
}
