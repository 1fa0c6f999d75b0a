//go:build chaos

package chaos_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/plateq/plateq/internal/disktest"
)

// onSQLite is begin over a file in a directory of its own.
func (t *trial) onSQLite(g ground) *world {
	t.Helper()
	if g.sqlite == "" {
		g.sqlite = filepath.Join(t.keptDir(), "data")
	}
	return t.begin(g)
}

func (w *world) file() string { return filepath.Join(w.sqlite, "plateq.db") }

// look opens the file beside the process that owns it.
func (w *world) look() *sqlite.Conn {
	w.Helper()
	c, err := sqlite.OpenConn(w.file(), sqlite.OpenReadWrite)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// sound is what SQLite's own check says of the file.
func (w *world) sound() bool {
	w.Helper()
	c := w.look()
	defer c.Close()
	text, err := sqlitex.ResultText(c.Prep("PRAGMA integrity_check"))
	if err != nil {
		w.Fatal(err)
	}
	return text == "ok"
}

func sqliteKilled(t *trial) {
	kills := lasting(20, 200)
	w := t.onSQLite(ground{rows: 4000, batch: 20, least: 20 * time.Millisecond, most: 200 * time.Millisecond})
	sound := 0
	for range kills {
		settled := w.settled()
		if settled < len(w.list) {
			<-time.After(time.Duration(100+rand.IntN(400)) * time.Millisecond)
		}
		w.serve.kill()
		if w.sound() {
			sound++
		}
		w.open()
		if n := w.settled(); n < settled {
			t.Errorf("%d rows were settled, %d after a kill", settled, n)
		}
	}
	w.mended = time.Now()
	w.account()
	t.more("sound after %d of %d kills", sound, kills)
	if sound != kills {
		t.Error("the file is damaged")
	}
	if most := kills * atOnce * w.batch; w.result.Unknown > most {
		t.Errorf("%d rows are unknown, at most %d were in flight", w.result.Unknown, most)
	}
}

// settled is how many rows of the list are.
func (w *world) settled() int {
	w.Helper()
	b, err := w.api.Batch(w.Context(), w.id)
	if err != nil {
		w.Fatal(err)
	}
	return b.Rows - b.Open()
}

func sqliteDiskFull(t *trial) {
	data := filepath.Join(t.keptDir(), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	disk := disktest.Mount(t, data, 48<<20)
	w := t.onSQLite(ground{sqlite: data, rows: min(*rowsFlag, 5000)})
	w.part(0.2)
	w.fault(func() { disk.Fill(0) }, lasting(12*time.Second, time.Minute), func() {
		during := w.provider.submits()
		<-time.After(time.Second)
		if n := w.provider.submits() - during; n > 0 {
			t.Errorf("%d calls began while the disk was full", n)
		}
		disk.Free()
	})
	w.account()
	w.nothingUnknown()
	t.more("%d answers in the spool", w.spooled())
}

func sqliteLocked(t *trial) {
	w := t.onSQLite(ground{})
	w.part(0.3)
	c := w.look()
	defer c.Close()
	w.fault(func() {
		if err := sqlitex.ExecuteTransient(c, "BEGIN IMMEDIATE", nil); err != nil {
			t.Fatal(err)
		}
	}, lasting(15*time.Second, 30*time.Second), func() {
		if err := sqlitex.ExecuteTransient(c, "ROLLBACK", nil); err != nil {
			t.Fatal(err)
		}
	})
	w.account()
	w.nothingUnknown()
	t.more("%d answers in the spool", w.spooled())
}

func sqliteShared(t *trial) {
	t.plain()
	w := t.onSQLite(ground{rows: 20, batch: 1})
	p := w.spawn("up", "PLATEQ_LISTEN=127.0.0.1:0")
	if code := p.exit(time.Minute); code != 2 || !strings.Contains(p.said(), "another process") {
		t.Errorf("a second process on the file ended with %d: %s", code, p.said())
	}
	w.done()
	t.more("exit code 2")
}

// sqliteBackup puts back what was backed up a while ago.
func sqliteBackup(t *trial) {
	w := t.onSQLite(ground{})
	w.part(0.3)
	backup := filepath.Join(w.dir, "backup.db")
	if out, code := w.command("backup", backup); code != 0 {
		t.Fatalf("backup: exit %d: %s", code, out)
	}
	w.part(0.6)
	w.serve.kill()
	if out, code := w.command("restore", "--force", backup); code != 0 {
		t.Fatalf("restore: exit %d: %s", code, out)
	}
	sent := w.provider.submits()
	w.open()
	<-time.After(lasting(5*time.Second, time.Minute))
	if n := w.provider.submits() - sent; n > 0 {
		t.Errorf("%d calls began from an old copy", n)
	}
	if got := w.status("/readyz"); got != 503 {
		t.Errorf("/readyz answers %d, want 503", got)
	}
	t.plain()
	t.more("0 calls from the old copy, /readyz 503")
}
