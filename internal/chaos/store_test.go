//go:build chaos

package chaos_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/internal/disktest"
	"github.com/plateq/plateq/internal/pgtest"
)

func postgresRestarted(t *trial) { t.postgresAway((*pgtest.Server).Stop) }

func postgresKilled(t *trial) { t.postgresAway((*pgtest.Server).Kill) }

// postgresAway ends the server while calls are in flight whose answers come
// before it is back. None may begin without it.
func (t *trial) postgresAway(end func(*pgtest.Server)) {
	t.Helper()
	server := pgtest.Start(t)
	w := t.begin(ground{server: server})
	w.part(0.3)
	sent, ended := 0, time.Time{}
	w.fault(func() {
		end(server)
		ended = time.Now()
	}, lasting(5*time.Second, 30*time.Second), func() {
		sent = w.provider.submits()
		if err := server.Run(); err != nil {
			t.Fatal(err)
		}
	})
	w.account()
	w.nothingUnknown()
	w.noneBegan("without a store", sent, ended)
	t.more("%d answers in spools meanwhile", w.spooled())
}

// noneBegan demands that of the calls that had reached the provider all were
// claimed by then.
func (w *world) noneBegan(how string, sent int, at time.Time) {
	w.Helper()
	if n := sent - w.sql("SELECT count(*) FROM calls WHERE sent_at <= $1", at.UnixMilli()); n > 0 {
		w.Errorf("%d calls began %s", n, how)
	}
}

// spooled is how many answers the store could not take.
func (w *world) spooled() int {
	w.Helper()
	n := 0
	for _, p := range w.started {
		n += strings.Count(p.said(), "it is kept in the spool")
	}
	return n
}

func postgresDiskFull(t *trial) {
	server := pgtest.Start(t)
	disk := server.SmallDisk(t, 48<<20)
	w := t.begin(ground{database: server.Schema(t) + "&default_tablespace=" + disk.Name, rows: min(*rowsFlag, 5000)})
	w.part(0.2)
	sent, full := 0, time.Time{}
	w.fault(func() {
		disk.Fill(0)
		full = time.Now()
		w.worker()
	}, lasting(10*time.Second, time.Minute), func() {
		sent = w.provider.submits()
		disk.Free()
	})
	w.account()
	w.nothingUnknown()
	w.noneBegan("while the disk was full", sent, full)
	t.more("0 calls while full, %d answers in spools", w.spooled())
}

// postgresLogFull fills the disk with the log of changes: the server ends
// itself, and somebody makes room and starts it again.
func postgresLogFull(t *trial) {
	server := pgtest.Start(t, "-c", "min_wal_size=32MB", "-c", "max_wal_size=32MB", "-c", "wal_recycle=off")
	disk := server.SmallLog(t, 96<<20)
	w := t.begin(ground{server: server})
	w.part(0.3)
	sent, ended := 0, time.Time{}
	w.fault(func() {
		disk.Fill(0)
		await(t, "the server has ended itself", func() bool {
			_, err := ask(t.Context(), w.url, "SELECT count(*) FROM (SELECT pg_switch_wal()) s")
			return err != nil && !server.Alive()
		})
		ended = time.Now()
	}, lasting(5*time.Second, 30*time.Second), func() {
		sent = w.provider.submits()
		disk.Free()
		if err := server.Run(); err != nil {
			t.Fatal(err)
		}
	})
	w.account()
	w.nothingUnknown()
	w.noneBegan("without a store", sent, ended)
	t.more("%d answers in spools meanwhile", w.spooled())
}

// postgresLocked stops every change of a call for a while: what is in flight
// must not pile up.
func postgresLocked(t *trial) {
	w := t.begin(ground{})
	w.part(0.2)
	var free func()
	most := 0
	w.fault(func() { free = w.lock("calls") }, 0, func() {
		for end := time.Now().Add(lasting(10*time.Second, time.Minute)); time.Now().Before(end); <-time.After(200 * time.Millisecond) {
			most = max(most, w.sql("SELECT count(*) FROM calls WHERE state = 1"))
		}
		free()
	})
	w.account()
	w.nothingUnknown()
	if most > atOnce {
		t.Errorf("%d calls were claimed at once, at most %d may be in flight", most, atOnce)
	}
	t.more("at most %d calls claimed at once", most)
}

// lock keeps everyone from changing a table, until what it returns is called.
func (w *world) lock(table string) func() {
	w.Helper()
	ctx := context.WithoutCancel(w.Context())
	c, err := pgx.Connect(ctx, w.url)
	if err != nil {
		w.Fatal(err)
	}
	if _, err := c.Exec(ctx, "BEGIN; LOCK TABLE "+table+" IN SHARE MODE"); err != nil {
		w.Fatal(err)
	}
	return func() { _ = c.Close(ctx) } // that ends the lock, too
}

func postgresCrowded(t *trial) {
	server := pgtest.Start(t, "-c", "max_connections=60")
	w := t.begin(ground{server: server})
	w.part(0.3)
	var giveBack func()
	w.fault(func() { giveBack = w.takeConnections(server.URL()) }, lasting(5*time.Second, time.Minute), func() {
		if got := w.status("/healthz"); got != http.StatusOK {
			t.Errorf("/healthz answers %d: a restart would not help", got)
		}
		if got := w.status("/readyz"); got != http.StatusServiceUnavailable {
			t.Errorf("/readyz answers %d, want 503", got)
		}
		if err := w.offer(); err == nil {
			t.Error("a list was accepted")
		}
		giveBack()
	})
	w.account()
	w.nothingUnknown()
	w.allAlive()
	t.more("/readyz 503, /healthz 200, 0 restarts")
}

// takeConnections takes all that a server has, those of others too, and
// returns how to give them back.
func (w *world) takeConnections(url string) func() {
	w.Helper()
	ctx := context.WithoutCancel(w.Context())
	var mine []*pgx.Conn
	for {
		c, err := pgx.Connect(ctx, url)
		if err == nil {
			mine = append(mine, c)
			continue
		}
		if len(mine) == 0 || !strings.Contains(err.Error(), "53300") {
			w.Fatal(err)
		}
		var ended int
		if err := mine[0].QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE application_name = 'plateq'`).Scan(&ended); err != nil {
			w.Fatal(err)
		}
		if ended == 0 {
			return func() {
				for _, c := range mine {
					_ = c.Close(ctx) // the server may have gone before
				}
			}
		}
	}
}

// status asks the API for a path and returns the answer's status.
func (w *world) status(path string) int {
	w.Helper()
	resp, err := http.Get("http://127.0.0.1:" + w.port + path)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// commitsCut loses the answers to commits, those of claims among them, in every
// way in which they can be lost.
func commitsCut(t *trial) {
	server := pgtest.Start(t)
	proxy := pgtest.StartProxy(t, server.Addr())
	w := t.build(ground{server: server})
	behind := "PLATEQ_DATABASE_URL=" + strings.Replace(w.url, server.Addr(), proxy.Addr(), 1)
	for range w.ground.workers {
		w.worker(behind)
	}
	w.scheduler = w.spawn("scheduler")
	w.submit()
	n := 0
	for ; n < lasting(60, 200) && !w.over(); n++ {
		proxy.Cut(pgtest.Unsent + pgtest.Cut(n)%(pgtest.Cuts-pgtest.Unsent))
		<-time.After(200 * time.Millisecond)
	}
	w.mended = time.Now()
	w.account()
	w.nothingExtra()
	t.more("%d commits", n)
}

// over reports whether the list is done.
func (w *world) over() bool {
	w.Helper()
	_, over := w.at(w.id)
	return over
}

// spoolFull leaves a worker next to no room for answers when the store has
// gone: it must find that out before it buys them.
func spoolFull(t *trial) {
	t.plain()
	small := filepath.Join(t.keptDir(), "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		t.Fatal(err)
	}
	disk := disktest.Mount(t, small, 1<<20)
	w := t.build(ground{rows: 100, batch: 10})
	p := w.worker("PLATEQ_DATA_DIR=" + disk.Dir)
	w.scheduler = w.spawn("scheduler")
	w.submit()
	code := p.exit(time.Minute)
	if n := w.provider.submits(); code == 0 || n > 0 {
		t.Errorf("a worker without room for a spool ended with %d, after %d calls", code, n)
	}
	t.more("the worker does not start (exit code %d), 0 calls", code)
}
