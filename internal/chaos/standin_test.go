//go:build chaos

package chaos_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/chaos"
	"github.com/plateq/plateq/providers/sim"
)

// standIn is Attestr, as a process of its own. Every charge is on the disk
// before it is answered.
type standIn struct {
	*process
	t      testing.TB
	dir    string
	port   string
	ledger string
	args   []string
}

// startStandIn starts one that is slow, shows records in another order at each
// read, and takes some back.
func startStandIn(t testing.TB, dir string, args ...string) *standIn {
	t.Helper()
	s := &standIn{t: t, dir: dir, port: freePort(t), ledger: filepath.Join(dir, "charges.jsonl"), args: args}
	s.run()
	return s
}

// run starts it, also after a kill: it knows what is in its ledger.
func (s *standIn) run() {
	s.t.Helper()
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	s.process = startProcess(s.t, s.dir, "standin", nil, path, append([]string{
		"simulate", "--listen", "127.0.0.1:" + s.port, "--ledger", s.ledger, "--preset", "hostile",
	}, s.args...)...)
	await(s.t, "the stand-in answers", func() bool {
		if s.ended() {
			s.t.Fatalf("the stand-in has ended: %s", s.said())
		}
		_, err := s.stats()
		return err == nil
	})
}

func (s *standIn) url(path string) string { return "http://127.0.0.1:" + s.port + path }

func (s *standIn) stats() (st sim.Stats, err error) {
	resp, err := http.Get(s.url("/_sim/stats"))
	if err != nil {
		return st, err
	}
	defer resp.Body.Close()
	return st, json.NewDecoder(resp.Body).Decode(&st)
}

// submits is how many paid requests have reached it.
func (s *standIn) submits() int {
	s.t.Helper()
	st, err := s.stats()
	if err != nil {
		s.t.Fatal(err)
	}
	return st.Requests["submit"]
}

// polls is how many requests about tickets have reached it.
func (s *standIn) polls() int {
	s.t.Helper()
	st, err := s.stats()
	if err != nil {
		s.t.Fatal(err)
	}
	return st.Requests["items"]
}

// set has it misbehave from now on.
func (s *standIn) set(faults ...sim.Fault) {
	s.t.Helper()
	body, err := json.Marshal(faults)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.Post(s.url("/_sim/faults"), "application/json", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("set faults: %s", resp.Status)
	}
}

// clear takes faults away by name.
func (s *standIn) clear(names ...string) {
	s.t.Helper()
	for _, name := range names {
		req, err := http.NewRequest(http.MethodDelete, s.url("/_sim/faults?name="+name), nil)
		if err != nil {
			s.t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			s.t.Fatal(err)
		}
		_ = resp.Body.Close() // only its status would tell more
	}
}

// charges reads its ledger, which no fault touches.
func (s *standIn) charges() []chaos.Charge {
	s.t.Helper()
	f, err := os.Open(s.ledger)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	all, err := chaos.ReadCharges(f)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// answer is what it answers about a plate, as a row would say it.
func answer(plate string) chaos.Answer {
	a := sim.DefaultAnswers().For(plate, 0)
	switch {
	case a.Valid:
		return chaos.Answer{Status: "found", Contact: a.Contact}
	case a.Status == sim.StatusNotFound:
		return chaos.Answer{Status: "not_found"}
	}
	return chaos.Answer{Status: "failed"}
}

// slowness has paid calls take up to so long: a part of it passes before they
// are charged, and a part between that and the answer.
func slowness(least, most time.Duration) []sim.Fault {
	before := min(least, most/2)
	return []sim.Fault{
		{Name: "before", Kind: sim.KindLatency, Where: "submit", For: before, Jitter: most/2 - before},
		{Name: "after", Kind: sim.KindHang, Where: "submit", For: most / 2, Charge: true},
	}
}
