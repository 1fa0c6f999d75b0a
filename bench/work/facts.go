package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/bench/rig"
)

// facts says on what was measured, and with which versions.
func (b *bench) facts(ctx context.Context) (string, error) {
	var t markdown
	t.head = []string{"what", "which"}
	t.add("processor", fmt.Sprintf("%d cores, %s", runtime.NumCPU(), after("/proc/cpuinfo", "model name")))
	t.add("memory", after("/proc/meminfo", "MemTotal"))
	sync, err := syncTime(b.dir)
	if err != nil {
		return "", err
	}
	t.add("a write of 4 KB that is synced to the disk", fmt.Sprintf("%.2f ms, the median of %d", sync.Seconds()*1000, syncs))
	c, err := pgx.Connect(ctx, b.postgres.URL())
	if err != nil {
		return "", fmt.Errorf("ask PostgreSQL: %w", err)
	}
	defer c.Close(ctx) //nolint:errcheck // it was only asked
	var version, fsync, commit string
	err = c.QueryRow(ctx, "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')").Scan(&version, &fsync, &commit)
	if err != nil {
		return "", fmt.Errorf("ask PostgreSQL: %w", err)
	}
	t.add("PostgreSQL", fmt.Sprintf("%s, as it is installed: fsync %s, synchronous_commit %s", version, fsync, commit))
	t.add("Redis", said(ctx, "redis-server", "--version")+"; a log of what is written, synced every second")
	t.add("Plateq", said(ctx, b.plateq, "version")+", beside commit "+said(ctx, "git", "describe", "--always", "--dirty"))
	info, _ := debug.ReadBuildInfo() // without it nothing is known of versions
	t.add("Go", runtime.Version())
	for _, path := range []string{"github.com/hibiken/asynq", "github.com/riverqueue/river", "github.com/jackc/pgx/v5", "modernc.org/sqlite"} {
		for _, m := range info.Deps {
			if m.Path == path {
				t.add(path, m.Version)
			}
		}
	}
	return t.String(), nil
}

// busy is the time of the processors since the machine was started: of
// everybody, and of the processes of this program.
type busy struct {
	at        time.Time
	all, ours time.Duration
}

func (b *bench) busy() (busy, error) {
	now := busy{at: time.Now()}
	var err error
	if now.all, err = rig.Busy(); err != nil {
		return now, err
	}
	servers, err := b.postgres.Usage()
	if err != nil {
		return now, err
	}
	now.ours = servers.CPU
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return now, fmt.Errorf("read own time: %w", err)
		}
		now.ours += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return now, nil
}

// others is the share of the processors that everybody else has used since.
func (b *bench) others(since busy) (float64, error) {
	now, err := b.busy()
	if err != nil {
		return 0, err
	}
	theirs := now.all - since.all - (now.ours - since.ours)
	return max(0, theirs.Seconds()) / now.at.Sub(since.at).Seconds() / float64(runtime.NumCPU()), nil
}

// after is what a file of the system says behind a name, the first time.
func after(path, name string) string {
	f, err := os.Open(path) //nolint:gosec // a file of the system's
	if err != nil {
		return "unknown"
	}
	defer f.Close() //nolint:errcheck // it was only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// said is the first line that a program writes.
func said(ctx context.Context, program string, args ...string) string {
	text, err := exec.CommandContext(ctx, program, args...).Output() //nolint:gosec // our own and the one that is measured
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

const syncs = 200

// syncTime is how long it takes until a small write is on the disk.
func syncTime(dir string) (time.Duration, error) {
	path := filepath.Join(dir, "sync")
	f, err := os.Create(path) //nolint:gosec // a file of our own
	if err != nil {
		return 0, fmt.Errorf("measure the disk: %w", err)
	}
	defer os.Remove(path) //nolint:errcheck // its folder goes too
	defer f.Close()       //nolint:errcheck // nothing in it is wanted
	page, took := make([]byte, 4096), make([]float64, syncs)
	for i := range took {
		begun := time.Now()
		_, err := f.Write(page)
		if err == nil {
			err = f.Sync()
		}
		if err != nil {
			return 0, fmt.Errorf("measure the disk: %w", err)
		}
		took[i] = time.Since(begun).Seconds()
	}
	return time.Duration(middle(took) * float64(time.Second)), nil
}
