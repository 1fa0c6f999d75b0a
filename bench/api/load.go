package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plateq/plateq/bench/rig"
)

// load is one request that is made again and again.
type load struct {
	name         string
	method, path string
	body         string
	want         int
}

// figures are what came of it.
type figures struct {
	load
	took   []time.Duration // of those that were answered as wanted, sorted
	failed int
	over   time.Duration
	others float64 // processors that others kept busy
}

// String is a line of the table.
func (f figures) String() string {
	at := func(part float64) time.Duration {
		if len(f.took) == 0 {
			return 0
		}
		return f.took[int(part*float64(len(f.took)-1))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("| `%s` | %.0f | %s | %s | %d | %.1f |", f.name, float64(len(f.took))/f.over.Seconds(), at(0.5), at(0.99), f.failed, f.others)
}

// run makes the request from width sides at once.
func (s *service) run(ctx context.Context, l load, last time.Duration, width int) (figures, error) {
	hc := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: width}}
	defer hc.CloseIdleConnections()
	busy, err := s.others()
	if err != nil {
		return figures{}, err
	}
	begun := time.Now()
	each := make([]figures, width)
	var g errgroup.Group
	for i := range each {
		g.Go(func() error {
			for time.Since(begun) < last {
				start := time.Now()
				ok, err := s.ask(ctx, hc, l)
				if err != nil {
					return err
				}
				if !ok {
					each[i].failed++
					continue
				}
				each[i].took = append(each[i].took, time.Since(start))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return figures{}, err
	}
	all := figures{load: l, over: time.Since(begun)}
	for _, f := range each {
		all.took = append(all.took, f.took...)
		all.failed += f.failed
	}
	slices.Sort(all.took)
	now, err := s.others()
	all.others = (now - busy).Seconds() / all.over.Seconds()
	return all, err
}

// others is how long processors have worked for neither the service nor us.
func (s *service) others() (time.Duration, error) {
	all, err := rig.Busy()
	if err != nil {
		return 0, err
	}
	its, err := s.process.Usage()
	if err != nil {
		return 0, err
	}
	ours, err := rig.Self()
	return all - its.CPU - ours.CPU, err
}

func (s *service) ask(ctx context.Context, hc *http.Client, l load) (ok bool, err error) {
	req, err := http.NewRequestWithContext(ctx, l.method, s.base+l.path, strings.NewReader(l.body))
	if err != nil {
		return false, fmt.Errorf("build request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := hc.Do(req)
	if err != nil {
		return false, fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return false, fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != l.want {
		fmt.Fprintln(os.Stderr, l.name, resp.Status)
	}
	return resp.StatusCode == l.want, nil
}
