package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/plateq/plateq/bench/rig"
	"github.com/plateq/plateq/internal/chaos"
)

// upstream is a stand-in of AOPay, which charges for each plate that is asked
// about, and then takes its time to answer.
type upstream struct {
	*rig.Process
	url, ledger string
}

func startUpstream(ctx context.Context, plateq, dir string, call time.Duration) (*upstream, error) {
	port, err := rig.FreePort()
	if err != nil {
		return nil, err
	}
	u := &upstream{url: "http://127.0.0.1:" + port, ledger: filepath.Join(dir, "charges.jsonl")}
	u.Process, err = rig.Start(dir, "upstream", nil, plateq, "simulate", "--listen", "127.0.0.1:"+port, "--ledger", u.ledger,
		"--preset", "fast", "--fault", "hang,name=call,where=fetch,charge=true,for="+call.String())
	if err != nil {
		return nil, err
	}
	for range 200 {
		if _, err = u.calls(ctx); err == nil {
			return u, nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("wait for the stand-in: %w", err)
}

// calls is how many paid requests have reached it.
func (u *upstream) calls(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.url+"/_sim/stats", http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var stats struct{ Requests map[string]int }
	err = json.NewDecoder(resp.Body).Decode(&stats)
	return stats.Requests["fetch"], err
}

func (u *upstream) await(ctx context.Context, n int) error {
	for {
		calls, err := u.calls(ctx)
		if err != nil || calls >= n {
			return err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// misbehave sets a fault.
func (u *upstream) misbehave(ctx context.Context, fault string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.url+"/_sim/faults", bytes.NewBufferString(fault))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("set a fault: %s", resp.Status)
	}
	return nil
}

func (u *upstream) charges() ([]chaos.Charge, error) {
	f, err := os.Open(u.ledger)
	if err != nil {
		return nil, fmt.Errorf("read charges: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	return chaos.ReadCharges(f)
}
