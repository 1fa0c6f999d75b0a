package promtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Server is a Prometheus on a free loopback port. It ends with the test.
type Server struct {
	t   testing.TB
	url string
}

// patience is far beyond what Prometheus needs for anything here.
const patience = time.Minute

// Start runs Prometheus with a configuration, and waits until it is ready.
func Start(t testing.TB, config string) *Server {
	t.Helper()
	path, dir := program(t, "prometheus"), t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := FreeAddr(t)
	cmd := exec.CommandContext(context.Background(), path, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), //nolint:gosec // by the tests
		"--web.listen-address="+addr, "--log.level=warn")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	s := &Server{t: t, url: "http://" + addr}
	s.until("prometheus is ready", func(ctx context.Context) bool {
		status, err := s.get(ctx, "/-/ready", nil)
		return err == nil && status == http.StatusOK
	})
	return s
}

// FreeAddr returns a loopback address that nobody listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only its port is wanted
	return l.Addr().String()
}

// Sample is one line of an answer: its labels, and its value as text.
type Sample struct {
	Labels map[string]string
	Value  string
}

// Query asks for what an expression says now.
func (s *Server) Query(ctx context.Context, expr string) ([]Sample, error) {
	var answer struct {
		Error string `json:"error"`
		Data  struct {
			Type   string          `json:"resultType"`
			Result json.RawMessage `json:"result"`
		} `json:"data"`
	}
	if _, err := s.get(ctx, "/api/v1/query?query="+url.QueryEscape(expr), &answer); err != nil {
		return nil, fmt.Errorf("query %s: %w", expr, err)
	}
	if answer.Error != "" || answer.Data.Type != "vector" {
		return nil, fmt.Errorf("query %s: %s %s", expr, answer.Data.Type, answer.Error)
	}
	var vector []struct {
		Metric map[string]string `json:"metric"`
		Value  [2]any            `json:"value"`
	}
	if err := json.Unmarshal(answer.Data.Result, &vector); err != nil {
		return nil, fmt.Errorf("query %s: %w", expr, err)
	}
	samples := make([]Sample, len(vector))
	for i, v := range vector {
		samples[i] = Sample{Labels: v.Metric, Value: fmt.Sprint(v.Value[1])}
	}
	return samples, nil
}

// Await asks until an expression has a sample.
func (s *Server) Await(expr string) []Sample {
	s.t.Helper()
	var samples []Sample
	s.until(expr, func(ctx context.Context) bool {
		var err error
		samples, err = s.Query(ctx, expr)
		return err == nil && len(samples) > 0
	})
	return samples
}

func (s *Server) until(what string, holds func(context.Context) bool) {
	s.t.Helper()
	ctx, stop := context.WithTimeout(s.t.Context(), patience)
	defer stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !holds(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// get reads an answer into v, if there is one to be read into.
func (s *Server) get(ctx context.Context, path string, v any) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if v == nil {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, json.NewDecoder(resp.Body).Decode(v)
}
