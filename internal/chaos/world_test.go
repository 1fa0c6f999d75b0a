//go:build chaos

package chaos_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/chaos"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/providers/sim"
)

// ground is what a cell stands on. What is not given is usual.
type ground struct {
	rows  int // of the list; 0: as the command line says
	batch int // plates of a call; 0: so many that there are a hundred calls
	// least and most are how long a paid call takes; 0: 0.5 to 3 s. See slowness.
	least, most time.Duration
	redis       []string       // arguments of redis-server; nil: append-only file, every second
	server      *pgtest.Server // a PostgreSQL of the cell's own; nil: one that cells share
	database    string         // a URL; empty: a schema of the server
	sqlite      string         // directory of an SQLite file; one process is everything then
	workers     int            // 0: 2
	standIn     []string       // arguments of plateq simulate
	env         []string
	// hooks has the stand-in call back when records are final.
	hooks   bool
	hooksTo string // where to; empty: to Plateq
	// program is that of the processes; empty: this version, which breaks on request.
	program string
	keysBy  string // which program makes the keys; empty: that one
	// every has all five providers set up, not Attestr alone.
	every bool
}

// atOnce is how many paid calls are in flight over all workers.
const atOnce = 10

// canary is in a column of the customer's own, and must be nowhere in clear.
const canary = "Canary-Wharf-Depot"

// world is Plateq with all that it stands on, each a process, and a list on its
// way.
type world struct {
	*trial
	ground
	dir      string
	port     string // of the API
	env      []string
	keys     []string
	redis    *redistest.Server
	url      string // of the store
	provider *standIn
	api      *client.Client

	serve     *process
	scheduler *process
	workers   []*process
	started   []*process

	list   []string
	id     string
	lists  []handed  // all that were accepted, that one first
	mended time.Time // when the fault was over
	needed int       // calls
	again  map[string]int
	events func() []chaos.Event            // that another system heard; nil: there is none
	answer func(plate string) chaos.Answer // what the provider answers
}

// build starts everything but workers and scheduler.
func (t *trial) build(g ground) *world {
	t.Helper()
	w := &world{trial: t, ground: g.usual(), dir: t.keptDir(), port: freePort(t), again: map[string]int{}, answer: answer}
	w.redis = redistest.Start(t, w.ground.redis...)
	hooks := []string{}
	if g.hooks {
		hooks = []string{"--webhook-url", cmp.Or(g.hooksTo, w.hookURL())}
		w.ground.env = append(w.ground.env, "PLATEQ_ATTESTR_WEBHOOK=true", "PLATEQ_ATTESTR_WEBHOOK_TOKEN="+sim.DefaultToken, "PLATEQ_ATTESTR_CLIENT_SECRET="+sim.DefaultToken)
	}
	w.provider = startStandIn(t, w.dir, append(hooks, w.standIn...)...)
	w.provider.set(slowness(w.least, w.most)...)
	w.url = w.database
	switch {
	case w.url != "" || w.sqlite != "":
	case w.server != nil:
		w.url = w.server.Schema(t)
	default:
		w.url = pgtest.Schema(t)
	}
	w.settings()
	api, err := client.New("http://127.0.0.1:"+w.port, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.api = api
	w.list = plates(w.rows)
	w.needed = (w.rows + w.batch - 1) / w.batch
	w.open()
	return w
}

// hookURL is where Plateq takes webhooks in.
func (w *world) hookURL() string { return "http://127.0.0.1:" + w.port + "/hooks/attestr" }

// keptDir is a directory that stays where it is if the cell fails.
func (t *trial) keptDir() string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chaos-"+t.result.Cell+"-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what the processes have said is in %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (g ground) usual() ground {
	if g.rows == 0 {
		g.rows = *rowsFlag
	}
	if g.batch == 0 {
		g.batch = max(1, g.rows/100)
	}
	if g.least == 0 && g.most == 0 {
		g.least, g.most = 500*time.Millisecond, 3*time.Second
	}
	if g.redis == nil {
		g.redis = []string{"--appendonly", "yes", "--appendfsync", "everysec"}
	}
	if g.workers == 0 {
		g.workers = 2
	}
	return g
}

// settings are what every process of Plateq is told.
func (w *world) settings() {
	w.Helper()
	path, err := program()
	if err != nil {
		w.Fatal(err)
	}
	// Made by the older of two versions: the newer one must read them.
	keys, err := exec.Command(cmp.Or(w.keysBy, w.program, path), "config", "--make-keys").Output()
	if err != nil {
		w.Fatal(err)
	}
	w.keys = strings.Fields(string(keys))
	data := filepath.Join(w.dir, "data")
	w.env = append(slices.Clone(w.keys),
		"PLATEQ_REDIS_URL="+w.redis.URL(), "PLATEQ_LISTEN=127.0.0.1:"+w.port, "PLATEQ_LOG_FORMAT=json",
		"PLATEQ_URL=http://127.0.0.1:"+w.port,
		"PLATEQ_ATTESTR_BASE_URL="+w.provider.url("/attestr"), "PLATEQ_ATTESTR_AUTH_TOKEN="+sim.DefaultToken,
		"PLATEQ_ATTESTR_RATE=none", "PLATEQ_ATTESTR_BATCH_SIZE="+strconv.Itoa(w.batch),
		"PLATEQ_ATTESTR_CONCURRENCY="+strconv.Itoa(atOnce),
		"PLATEQ_ATTESTR_POLL_MIN=200ms", "PLATEQ_ATTESTR_POLL_MAX=2s",
		"PLATEQ_ATTESTR_TIMEOUT="+(30*time.Second+2*w.most).String(),
	)
	if w.every {
		w.env = append(w.env, others(w.provider.url(""))...)
	}
	if w.sqlite != "" {
		w.env, data = w.env[len(w.keys):], w.sqlite
	} else {
		w.env = append(w.env, "PLATEQ_DATABASE_URL="+w.url)
	}
	w.env = append(append(w.env, "PLATEQ_DATA_DIR="+data), w.ground.env...)
}

// open starts what serves the API: with SQLite that is everything.
func (w *world) open() {
	w.Helper()
	part := "serve"
	if w.sqlite != "" {
		part = "up"
	}
	w.serve = w.spawn(part)
	await(w, "the API answers", func() bool {
		if w.serve.ended() {
			w.Fatalf("plateq %s has ended: %s", part, w.serve.said())
		}
		return w.api.Healthy(w.Context()) == nil
	})
}

// begin is build, with workers, a scheduler, and a list on its way.
func (t *trial) begin(g ground) *world {
	t.Helper()
	w := t.build(g)
	if w.sqlite == "" {
		for range w.ground.workers {
			w.worker()
		}
		w.scheduler = w.spawn("scheduler")
	}
	w.submit()
	return w
}

// spawn starts a part, with further settings.
func (w *world) spawn(part string, env ...string) *process {
	w.Helper()
	path, err := program()
	if err != nil {
		w.Fatal(err)
	}
	path = cmp.Or(w.program, path)
	name := fmt.Sprintf("%s-%d", part, len(w.started))
	env = append(slices.Clone(w.env), append(env, "PLATEQ_TEST_VITALS="+filepath.Join(w.dir, name+".vitals"))...)
	admin := ""
	if w.program == "" { // others need not know of it
		admin = "127.0.0.1:" + freePort(w)
		env = append(env, "PLATEQ_ADMIN_LISTEN="+admin)
	}
	p := startProcess(w, w.dir, name, env, path, part)
	p.admin = admin
	w.started = append(w.started, p)
	return p
}

// worker starts another worker.
func (w *world) worker(env ...string) *process {
	w.Helper()
	p := w.spawn("worker", env...)
	w.workers = append(w.workers, p)
	return p
}

// handed is a list that was accepted.
type handed struct {
	id   string
	list []string
}

// submit hands the list in.
func (w *world) submit() {
	w.Helper()
	b, err := w.api.Submit(w.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, bytes.NewReader(csvOf(w.list)))
	if err != nil {
		w.Fatal(err)
	}
	w.id = b.ID
	w.lists = append(w.lists, handed{b.ID, w.list})
}

func csvOf(list []string) []byte {
	var b bytes.Buffer
	b.WriteString("id,plate,depot\n")
	for i, p := range list {
		fmt.Fprintf(&b, "%d,%s,%s\n", i+1, p, canary)
	}
	return b.Bytes()
}

// plates invents n different plates.
func plates(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("KA%02d%c%c%c%04d", 81+i%17, 'A'+i/260_000%26, 'A'+i/10_000%26, 'A'+i%7, i%10_000)
	}
	return all
}

// calls waits until n paid calls have reached the provider.
func (w *world) calls(n int) {
	w.Helper()
	await(w, fmt.Sprintf("%d paid calls", n), func() bool { return w.provider.submits() >= n })
}

// part waits until that share of the calls has reached the provider.
func (w *world) part(share float64) {
	w.Helper()
	w.calls(int(share * float64(w.needed)))
}

// fault lets something fail for d, and remembers when it was mended.
func (w *world) fault(start func(), d time.Duration, mend func()) {
	w.Helper()
	start()
	<-time.After(d)
	mend()
	w.mended = time.Now()
}

// sql runs a statement in the store, and returns the number it answers with.
func (w *world) sql(query string, args ...any) int {
	w.Helper()
	n, err := ask(w.Context(), w.url, query, args...)
	if err != nil {
		w.Fatal(err)
	}
	return n
}

// run is a command of plateq; it returns what it says on standard output, and
// its exit code.
func (w *world) command(args ...string) (string, int) {
	w.Helper()
	path, err := program()
	if err != nil {
		w.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = w.dir, append([]string{"PATH=" + os.Getenv("PATH")}, w.env...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		w.Fatal(err)
	}
	if said.Len() > 0 {
		w.Logf("plateq %s: %s", args[0], said.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
}
