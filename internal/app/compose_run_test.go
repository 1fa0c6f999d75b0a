package app_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
)

// composed are the services of docker-compose.yml as processes of this machine:
// the same commands, settings and order, at other addresses.
type composed struct {
	*desk
	file    composeFile
	secrets string // a directory
	rename  *strings.Replacer
	running []running
}

type running struct {
	name, admin string
	cmd         *exec.Cmd
	env         []string
}

// TestComposeRunsTheExample as the top of docker-compose.yml says, to its end.
func TestComposeRunsTheExample(t *testing.T) {
	t.Parallel()
	c := &composed{desk: &desk{t: t, dir: t.TempDir(), log: &syncBuffer{}}, file: readCompose(t), secrets: t.TempDir()}
	stands := freeAddr(t)
	c.startServers(stands)
	c.start("simulate", nil)
	c.job("migrate")
	for _, name := range []string{"serve", "worker", "scheduler"} {
		for range c.file.Services[name].replicas() {
			c.start(name, c.settings(name))
		}
	}
	c.healthy()
	out := c.submit()
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 121 {
		t.Fatalf("%d lines came out, want 121: %v\n%s", len(rows), err, c.log)
	}
	if n := strings.Count(out, ",found,"); n < 90 {
		t.Errorf("%d rows of 120 were found:\n%s", n, out)
	}
	c.scrape()
	c.end()
}

// startServers starts Redis and PostgreSQL with the settings of the file, over
// secrets that its script has made.
func (c *composed) startServers(stands string) {
	c.t.Helper()
	command := c.file.Services["postgres"].Command
	if command[0] != "postgres" {
		c.t.Fatalf("PostgreSQL is started by %q", command)
	}
	database := pgtest.Start(c.t, command[1:]...)
	at := freeAddr(c.t)
	script := exec.CommandContext(c.t.Context(), "sh", filepath.Join(top, "deploy/compose/secrets.sh"), c.secrets)
	script.Env = append(os.Environ(), "REDIS="+at, "POSTGRES="+database.Addr())
	if out, err := script.CombinedOutput(); err != nil {
		c.t.Fatalf("make secrets: %v: %s", err, out)
	}
	c.rename = strings.NewReplacer("/secrets", c.secrets, "simulate:9090", stands, "0.0.0.0:9090", stands, "/examples", mustAbs(c.t, filepath.Join(top, "examples")))
	conn, err := pgx.Connect(c.t.Context(), database.URL())
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close(c.t.Context())
	for _, statement := range []string{"CREATE ROLE plateq LOGIN", "CREATE DATABASE plateq OWNER plateq"} {
		if _, err := conn.Exec(c.t.Context(), statement); err != nil {
			c.t.Fatal(err)
		}
	}
	c.startRedis(at)
}

func (c *composed) startRedis(at string) {
	c.t.Helper()
	redistest.Need(c.t)
	_, port, _ := strings.Cut(at, ":")
	args := strings.Split(c.rename.Replace(strings.Join(c.file.Services["redis"].Command, "\n")), "\n")
	c.process("redis", exec.CommandContext(c.t.Context(), args[0], append(args[1:], "--port", port, "--dir", c.t.TempDir())...))
	o, err := redis.ParseURL(c.secret("redis_url"))
	if err != nil {
		c.t.Fatal(err)
	}
	o.MaxRetries, o.MinRetryBackoff, o.MaxRetryBackoff = 200, 20*time.Millisecond, 100*time.Millisecond
	client := redis.NewClient(o)
	defer client.Close()
	if err := client.Ping(c.t.Context()).Err(); err != nil {
		c.t.Fatal(err)
	}
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func (c *composed) secret(name string) string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.secrets, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// settings are the environment of a service, with the file for stand-ins, and
// with addresses of its own: containers have one each, processes share one.
func (c *composed) settings(name string) []string {
	c.t.Helper()
	s := c.file.Services[name]
	text, err := os.ReadFile(filepath.Join(top, "deploy/compose/simulate.env"))
	if err != nil {
		c.t.Fatal(err)
	}
	if len(s.EnvFile) != 1 || s.EnvFile[0].Path != "${SETTINGS:-plateq.env}" || !strings.Contains(string(text), "\nSETTINGS=deploy/compose/simulate.env\n") {
		c.t.Errorf("%s does not read the settings of its stand-ins: %v", name, s.EnvFile)
	}
	var env []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "PLATEQ_") {
			env = append(env, c.rename.Replace(strings.TrimSpace(line)))
		}
	}
	for variable, value := range s.Environment {
		env = append(env, variable+"="+c.rename.Replace(value))
	}
	return append(env, "PLATEQ_DATA_DIR="+filepath.Join(c.dir, "data"), "PLATEQ_ADMIN_LISTEN="+freeAddr(c.t), "PLATEQ_LISTEN="+freeAddr(c.t))
}

// start runs a service of ours as a process.
func (c *composed) start(name string, env []string) {
	c.t.Helper()
	s := c.file.Services[name]
	if !s.ours() {
		c.t.Fatalf("%s runs %s", name, s.Image)
	}
	cmd := c.command(env, s.Command...)
	cmd.Stdout, cmd.Stderr = c.log, c.log
	c.process(name, cmd)
	c.running[len(c.running)-1].env = env
}

func (c *composed) command(env []string, args ...string) *exec.Cmd {
	c.t.Helper()
	path, err := program()
	if err != nil {
		c.t.Fatal(err)
	}
	for i, a := range args {
		args[i] = c.rename.Replace(a)
	}
	cmd := exec.CommandContext(c.t.Context(), path, args...)
	cmd.Dir, cmd.Env = c.dir, append([]string{"HOME=/nowhere", "PATH=/nowhere"}, env...)
	return cmd
}

func (c *composed) process(name string, cmd *exec.Cmd) {
	c.t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	c.running = append(c.running, running{name: name, cmd: cmd})
	c.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
}

// job runs a service to its end.
func (c *composed) job(name string) {
	c.t.Helper()
	if out, err := c.command(c.settings(name), c.file.Services[name].Command...).CombinedOutput(); err != nil {
		c.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// healthy asks each process as its container would be asked.
func (c *composed) healthy() {
	c.t.Helper()
	for i, r := range c.running {
		if r.env == nil {
			continue // no container of ours that is asked
		}
		for _, e := range r.env {
			if at, ok := strings.CutPrefix(e, "PLATEQ_ADMIN_LISTEN="); ok {
				c.running[i].admin = at
			}
		}
		test := c.file.Services[r.name].Healthcheck.Test
		// Each question is a process that starts and ends, which is pause enough.
		for end := time.Now().Add(time.Minute); c.command(r.env, slices.Clone(test[2:])...).Run() != nil; {
			if time.Now().After(end) {
				c.t.Fatalf("%s is not healthy:\n%s", r.name, c.log)
			}
		}
	}
}

// submit hands the example in from within the container of serve.
func (c *composed) submit() string {
	c.t.Helper()
	var env []string
	for _, r := range c.running {
		if r.name == "serve" {
			env = r.env
		}
	}
	for _, e := range env {
		if at, ok := strings.CutPrefix(e, "PLATEQ_LISTEN="); ok {
			env = append(env, "PLATEQ_URL=http://"+at)
		}
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), tooLong)
	defer cancel()
	cmd := c.command(env, "submit", "/examples/fleet-in.csv", "-p", "attestr", "--wait", "-o", "-", "--format", "csv")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	done := make(chan error, 1)
	go func() { done <- cmd.Run() }()
	select {
	case <-done: // 3: rows of the example are invalid on purpose
	case <-ctx.Done():
		c.t.Fatalf("the example did not end:\n%s\n%s", &errs, c.log)
	}
	if code := cmd.ProcessState.ExitCode(); code != 3 {
		c.t.Fatalf("exit %d, want 3:\n%s", code, &errs)
	}
	return out.String()
}

// scrape asks each process for its metrics, as Prometheus does.
func (c *composed) scrape() {
	c.t.Helper()
	var figures []string
	for _, r := range c.running {
		if r.admin == "" {
			continue
		}
		req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, "http://"+r.admin+"/metrics", http.NoBody)
		if err != nil {
			c.t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			c.t.Fatalf("%s: %v", r.name, err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(text), "plateq_build_info") {
			c.t.Errorf("%s: %s, %v, %d bytes of metrics", r.name, resp.Status, err, len(text))
		}
		figures = append(figures, r.name+" "+strconv.Itoa(len(text)))
	}
	if len(figures) != 4 {
		c.t.Errorf("%d processes tell metrics, want serve, two workers and scheduler: %q", len(figures), figures)
	}
}

// end stops what is ours as Docker does, and wants it to end in order.
func (c *composed) end() {
	c.t.Helper()
	for _, r := range c.running {
		if r.env == nil {
			continue
		}
		if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			c.t.Error(err)
		}
		if err := r.cmd.Wait(); err != nil {
			c.t.Errorf("%s: %v:\n%s", r.name, err, c.log)
		}
	}
}
