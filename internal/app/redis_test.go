package app

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/config"
)

// TestRedisFarAwayWithoutTLSIsWarnedOf also where it does not answer.
func TestRedisFarAwayWithoutTLSIsWarnedOf(t *testing.T) {
	t.Parallel()
	cfg, _, err := config.Load([]string{"PLATEQ_REDIS_URL=redis://:hunter2@192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	a := &App{opts: Options{Config: cfg}, parts: Worker, log: zerolog.New(&said)}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.openRedis(over); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if text := said.String(); strings.Count(text, "without TLS") != 1 || strings.Contains(text, "hunter2") {
		t.Errorf("got %q, want one warning and no password", text)
	}
}
