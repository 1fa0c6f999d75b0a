package app_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/disktest"
	"github.com/plateq/plateq/internal/pgtest"
)

func TestPostgresIsRestartedMidRun(t *testing.T) {
	t.Parallel()
	downFor(t, (*pgtest.Server).Stop)
}

func TestPostgresIsKilledMidRun(t *testing.T) {
	t.Parallel()
	downFor(t, (*pgtest.Server).Kill)
}

// downFor ends the server while calls are in flight whose answers come before
// it is back.
func downFor(t *testing.T, end func(*pgtest.Server)) {
	t.Helper()
	server := pgtest.Start(t)
	database := server.Schema(t)
	tr := begin(t, ground{database: database, rows: 600, call: time.Second})
	tr.calls(16)
	sent, ended := 0, time.Time{}
	tr.fault(func() {
		end(server)
		ended = time.Now()
	}, lasting(3*time.Second, 30*time.Second), func() {
		sent = tr.sent()
		if err := server.Run(); err != nil {
			t.Fatal(err)
		}
	})
	tr.account().nothingUnknown(t)
	tr.spooled()
	if n := sent - claimedBy(t, database, ended); n > 0 {
		t.Errorf("%d calls began without a store", n)
	}
}

// spooled demands that answers went to the spool and from there to the store.
func (tr *trial) spooled() {
	tr.t.Helper()
	in, out := strings.Count(tr.log.String(), "it is kept in the spool"), strings.Count(tr.log.String(), "the store has taken what was spooled")
	tr.t.Logf("%d answers went to the spool", in)
	if in == 0 || out == 0 {
		tr.t.Errorf("%d answers went to the spool, and it was emptied %d times; want some", in, out)
	}
}

func TestPostgresIsOutOfConnections(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, "-c", "max_connections=40")
	tr := begin(t, ground{database: server.Schema(t), rows: 600, call: time.Second})
	tr.calls(16)
	var giveBack func()
	tr.fault(func() { giveBack = takeConnections(t, server.URL()) }, lasting(4*time.Second, time.Minute), func() {
		if got := tr.status("/healthz"); got != http.StatusOK {
			t.Errorf("/healthz answers %d: a restart would not help", got)
		}
		if got := tr.status("/readyz"); got != http.StatusServiceUnavailable {
			t.Errorf("/readyz answers %d, want 503", got)
		}
		p, ok := errors.AsType[*client.Problem](tr.offer())
		if !ok || p.Status != http.StatusServiceUnavailable || p.RetryAfter == 0 {
			t.Errorf("a list was answered with %v, want 503 and when to come again", p)
		}
		giveBack()
	})
	tr.account().nothingUnknown(t)
}

// takeConnections takes all connections of a server, those of others too, and
// returns how to give them back.
func takeConnections(t *testing.T, url string) func() {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	var mine []*pgx.Conn
	for {
		c, err := pgx.Connect(ctx, url)
		if err == nil {
			mine = append(mine, c)
			continue
		}
		if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "53300" || len(mine) == 0 {
			t.Fatal(err)
		}
		var ended int
		if err := mine[0].QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE application_name = 'plateq'`).Scan(&ended); err != nil {
			t.Fatal(err)
		}
		if ended == 0 {
			break
		}
	}
	return func() {
		for _, c := range mine {
			_ = c.Close(ctx) // the server may have gone before
		}
	}
}

func TestPostgresHasNoDiskSpace(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	disk := server.SmallDisk(t, 48<<20)
	database := server.Schema(t) + "&default_tablespace=" + disk.Name
	tr := begin(t, ground{database: database, rows: 1000, call: time.Second})
	tr.fillUp(disk.Disk, database, func() { tr.workers = append(tr.workers, tr.spawn("worker")) })
}

func TestSQLiteHasNoDiskSpace(t *testing.T) {
	t.Parallel()
	u := slowCalls(t, time.Second)
	d := newDesk(t, u, patience(time.Second), "PLATEQ_LISTEN=127.0.0.1:0")
	data := d.path("data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	disk := disktest.Mount(t, data, 48<<20)
	tr := &trial{fleet: &fleet{desk: d}, u: u, list: plates(1000)}
	tr.open(app.Server | app.Worker | app.Scheduler)
	tr.id = tr.submit(tr.list)
	tr.fillUp(disk, "sqlite://"+filepath.Join(data, "plateq.db"), func() {})
}

// fillUp fills the disk while calls are in flight, and then lets more workers
// come. Not one call may begin before there is space again.
func (tr *trial) fillUp(disk *disktest.Disk, database string, more func()) {
	t := tr.t
	t.Helper()
	tr.calls(8)
	sent, full := 0, time.Time{}
	tr.fault(func() {
		disk.Fill(0)
		full = time.Now()
		more()
	}, lasting(12*time.Second, time.Minute), func() {
		sent = tr.sent()
		disk.Free()
	})
	if sent == len(tr.list)/perCall {
		t.Error("all calls were made before the disk was full")
	}
	tr.account().nothingUnknown(t)
	if n := sent - claimedBy(t, database, full); n > 0 {
		t.Errorf("%d paid calls began while the disk was full", n)
	}
	t.Logf("%d answers went to the spool", strings.Count(tr.log.String(), "it is kept in the spool"))
}
