package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/internal/redistest"
)

// fallsOver in the environment makes the test binary a run of a list whose clock
// panics from when on there is a file of that path: "PATH PROVIDER IN OUT".
const fallsOver = "TEST_FALLS_OVER"

// stopped is what the clock panics with.
const stopped = "the clock has stopped"

// fallOver is that run; it returns the exit code, should it come to one.
func fallOver(words string) int {
	var at, provider, in, out string
	if _, err := fmt.Sscan(words, &at, &provider, &in, &out); err != nil {
		panic(err)
	}
	cfg, _, err := config.Load(os.Environ())
	if err != nil {
		panic(err)
	}
	o := app.Options{Config: cfg, Log: zerolog.New(os.Stderr).Level(zerolog.TraceLevel), Now: func() time.Time {
		if _, err := os.Stat(at); err == nil {
			go func() { panic(stopped) }() // nobody catches it, and nothing is tidied up on its way
			select {}
		}
		return time.Now()
	}}
	_, err = app.RunFile(context.Background(), o, app.RunOptions{
		Provider: provider, In: in, Out: out, Stdout: io.Discard, Export: export.Options{Format: export.CSV},
	})
	return app.ExitCode(err)
}

// TestACrashTellsOfNobody: a process panics in the midst of its calls, at every
// provider. Neither what it prints then nor what it leaves behind says anything
// of the list, the answers and the credentials.
func TestACrashTellsOfNobody(t *testing.T) {
	for _, p := range everyProvider() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			w := newWatched(t, p, redis)
			w.fall()
			redis.Client().FlushAll(t.Context()) // with the slots that are still taken, for half a minute
			w.finish()
			w.look("a panic")
			for name, text := range files(t, w.path("data")) {
				w.clear("a panic: "+name, text)
			}
		})
	}
}

// fall runs the list in a process whose clock panics once it has asked.
func (w *watched) fall() {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	at := w.path("stop")
	cmd := exec.CommandContext(w.t.Context(), self)
	cmd.Env = append(append(os.Environ(), w.env...), fallsOver+"="+strings.Join([]string{at, w.p.name, w.in, w.path("out.csv")}, " "))
	cmd.Dir, cmd.Stdout, cmd.Stderr = w.dir, w.log, w.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	until(w.t, "calls to be made", func() bool { return w.u.Stats().Requests[endpoints(w.t, w.p.name)[0]] >= 2 })
	if err := os.WriteFile(at, nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 2 {
		w.t.Fatalf("it ended with %v, want a crash", err)
	}
	text := w.log.String()
	if !strings.Contains(text, "panic: "+stopped) || strings.Count(text, "\ngoroutine ") < 10 {
		w.t.Fatal("it printed no panic with all stacks: the test proves nothing")
	}
}
