package app_test

import (
	"bytes"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/providers/sim"
)

// Values that must be found nowhere in clear.
const (
	canaryPlate  = "KA81ZZ9173"
	canaryDepot  = "Canary-Wharf-Depot"
	canaryToken  = "canary-token-5521"
	canarySecret = "canary-secret-7712"
)

func TestNothingPersonalOrSecretIsInClear(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	o := brisk()
	o.Accounts = []sim.Account{{Name: "canary", Token: canaryToken, Credit: sim.Unlimited, PageMax: 100}}
	o.Faults = append(o.Faults,
		sim.Fault{Name: "page", Kind: "html", Where: "submit", Every: 4},
		sim.Fault{Name: "words", Kind: "4001", Where: "items", Every: 5},
		sim.Fault{Name: "gone", Kind: "close", Where: "items", Every: 7})
	u := standIn(t, o)
	d := newDesk(t, u, "PLATEQ_REDIS_URL="+redis.URL(), "PLATEQ_ATTESTR_CLIENT_SECRET="+canarySecret)
	for i, v := range d.env {
		if strings.HasPrefix(v, "PLATEQ_ATTESTR_AUTH_TOKEN=") {
			d.env[i] = "PLATEQ_ATTESTR_AUTH_TOKEN=" + canaryToken
		}
	}
	d.logs = zerolog.TraceLevel
	traffic := monitor(t, redis)
	list := append(plates(200), canaryPlate)
	in := d.list("in.csv", list)
	swap(t, in, "north", canaryDepot)
	d.run(t.Context(), d.runOptions(in, "out.csv"))
	rows := d.out("out.csv")
	if len(rows) != 201 {
		t.Fatalf("%d rows came out", len(rows))
	}

	canaries := [][]byte{[]byte(canaryPlate), []byte(canaryDepot), []byte(canaryToken), []byte(canarySecret)}
	contacts := 0
	for _, r := range rows {
		canaries = append(canaries, []byte(r["plate"]))
		if c := r["result.contact"]; c != "" {
			contacts++
			canaries = append(canaries, []byte(c))
		}
	}
	if contacts == 0 {
		t.Fatal("no row has a contact: the test proves nothing")
	}
	look := func(where string, text []byte) {
		t.Helper()
		if len(text) == 0 {
			t.Errorf("%s is empty: the test proves nothing", where)
		}
		for _, c := range canaries {
			if bytes.Contains(text, c) {
				t.Errorf("%s holds a plate, a contact, a customer's column or a secret in clear", where)
				return
			}
		}
	}
	look("the log", []byte(d.log.String()))
	look("Redis traffic", traffic())
	for name, text := range files(t, filepath.Join(d.dir, "data")) {
		if len(text) > 0 {
			look(name, text)
		}
	}
}

func TestASimulatedRunKeepsItsBooksSealed(t *testing.T) {
	t.Parallel()
	d := &desk{t: t, dir: t.TempDir(), log: &syncBuffer{}}
	d.env = []string{"PLATEQ_DATA_DIR=" + filepath.Join(d.dir, "data")}
	opts := d.options()
	opts.Simulate = true
	ro := d.runOptions(d.list("in.csv", []string{canaryPlate}), "out.csv")
	if err := runSimulated(t.Context(), opts, ro); err != nil {
		t.Fatal(err)
	}
	seen := false
	for name, text := range files(t, filepath.Join(d.dir, "data")) {
		seen = seen || strings.HasSuffix(name, ".journal")
		if bytes.Contains(text, []byte(canaryPlate)) {
			t.Errorf("%s holds a plate in clear", name)
		}
	}
	if !seen {
		t.Error("the stand-in kept no book")
	}
}

// monitor records every command that reaches a Redis until its result is
// called. It reads the wire itself: that is what the test is about.
func monitor(t *testing.T, srv *redistest.Server) func() []byte {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = b.ReadFrom(conn) // until it is closed
	}()
	return func() []byte {
		_ = conn.Close()
		<-done
		return b.Bytes()
	}
}

func swap(t *testing.T, path, old, by string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, bytes.ReplaceAll(text, []byte(old), []byte(by)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// files reads every file below dir.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
