// Api measures how fast the HTTP API of Plateq answers, and how much memory it
// holds while a large list comes in. It starts plateq up with stand-ins of the
// providers, ends it, and prints a table in Markdown.
//
//	go run ./api -plateq ../bin/plateq
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/plateq/plateq/bench/rig"
	"github.com/plateq/plateq/client"
)

func main() {
	binary := flag.String("plateq", "../bin/plateq", "the program that is measured")
	last := flag.Duration("for", 20*time.Second, "how long each kind of request is made")
	width := flag.Int("width", 8, "how many requests are made at the same time")
	rows := flag.Int("rows", 1_000_000, "rows of the large list; 0: none")
	flag.Parse()
	if err := measure(context.Background(), *binary, *last, *width, *rows); err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, binary string, last time.Duration, width, rows int) (err error) {
	dir, err := os.MkdirTemp("", "plateq-bench-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := start(ctx, dir, binary)
	if err != nil {
		return err
	}
	defer s.process.Kill()
	b, err := s.client.Submit(ctx, client.SubmitOptions{Provider: "attestr", Format: client.CSV}, rig.Plates(1000))
	if err != nil {
		return err
	}
	if _, err := s.client.Wait(ctx, b.ID, nil); err != nil {
		return err
	}
	fmt.Printf("%d at the same time, over loopback; %d processors.\n\n", width, runtime.NumCPU())
	fmt.Println("| request | answers per second | p50 | p99 | failed | processors, of others |\n|---|---|---|---|---|---|")
	for _, load := range []load{
		{"GET /v1/batches/{id}", http.MethodGet, "/v1/batches/" + b.ID, "", http.StatusOK},
		{"GET …/results?limit=100", http.MethodGet, "/v1/batches/" + b.ID + "/results?limit=100", "", http.StatusOK},
		{"POST /v1/batches, one row that is known", http.MethodPost, "/v1/batches", `{"provider":"attestr","items":[{"plate":"DL1CAB0001"}]}`, http.StatusCreated},
	} {
		got, err := s.run(ctx, load, last, width)
		if err != nil {
			return err
		}
		fmt.Println(got)
	}
	if rows == 0 {
		return nil
	}
	return s.upload(ctx, rows)
}

// service is a running plateq up.
type service struct {
	process *rig.Process
	base    string
	client  *client.Client
}

func start(ctx context.Context, dir, binary string) (*service, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, fmt.Errorf("find program: %w", err)
	}
	port, err := rig.FreePort()
	if err != nil {
		return nil, err
	}
	addr := net.JoinHostPort("127.0.0.1", port)
	env := []string{"PLATEQ_DATA_DIR=" + filepath.Join(dir, "data"), "PLATEQ_LISTEN=" + addr, "PLATEQ_LOG_LEVEL=warn"}
	s := &service{base: "http://" + addr}
	if s.client, err = client.New(s.base, client.Options{}); err != nil {
		return nil, err
	}
	if s.process, err = rig.Start(dir, "up", env, binary, "up", "--simulate"); err != nil {
		return nil, err
	}
	for {
		err := s.client.Healthy(ctx)
		if err == nil {
			return s, nil
		}
		select {
		case <-s.process.Done():
			return nil, fmt.Errorf("plateq has ended: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// upload hands a large list in and says what that took.
func (s *service) upload(ctx context.Context, rows int) error {
	begun := time.Now()
	b, err := s.client.Submit(ctx, client.SubmitOptions{Provider: "attestr", Format: client.CSV}, rig.Plates(rows))
	if err != nil {
		return err
	}
	took := time.Since(begun)
	used, err := s.process.Usage()
	if err != nil {
		return err
	}
	fmt.Printf("\nA list of %d rows (CSV, streamed) came in within %s; the process, workers and all, held %d MB at the most.\n",
		b.Rows, took.Round(time.Second/10), used.Peak>>20)
	return nil
}
