package jobs

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/final.lua
var finalLua string

const (
	// shareEvery is how often a process that polls tells the fleet what it has
	// seen and hears what the others have; sharePatience how long it waits for
	// that. What is lost with Redis is learnt again.
	shareEvery    = 10 * time.Second
	sharePatience = 500 * time.Millisecond
)

// sharing is a process's part in what the fleet knows of a provider's records.
type sharing struct {
	client redis.UniversalClient
	script *redis.Script
	key    string
}

// newSharing keeps it among what is remembered of the pace.
func newSharing(c redis.UniversalClient, provider string) sharing {
	return sharing{client: c, script: redis.NewScript(finalLua), key: "plateq:{" + Queue(provider) + "}:pace:final"}
}

// share is exchange, if it is time.
func (h *hazards) share(ctx context.Context, s sharing, now time.Time) error {
	h.mu.Lock()
	early := now.Before(h.again)
	if !early {
		h.again = now.Add(shareEvery)
	}
	h.mu.Unlock()
	if early {
		return nil
	}
	return h.exchange(ctx, s)
}

// exchange tells Redis the news and takes over what all have seen. While Redis
// is away the news are kept.
func (h *hazards) exchange(ctx context.Context, s sharing) error {
	h.mu.Lock()
	told, records := h.news, h.records
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, sharePatience)
	defer cancel()
	args := append([]any{maxRecords, keepPace.Milliseconds(), records}, told.fields()...)
	all, err := s.script.Run(ctx, s.client, []string{s.key}, args...).StringSlice()
	if err != nil {
		return fmt.Errorf("share what is known of records: %w", err)
	}
	known := readCells(all)

	h.mu.Lock()
	defer h.mu.Unlock()
	h.known = known
	h.news.less(&told)
	h.records = max(0, h.records-records)
	return nil
}

// less takes away what has been told.
func (c *cells) less(told *cells) {
	for i := range c {
		for j := range c[i] {
			c[i][j].events = max(0, c[i][j].events-told[i][j].events)
			c[i][j].exposure = max(0, c[i][j].exposure-told[i][j].exposure)
		}
	}
}

// The sums of a cell, as fields begin: e2:17 are the events of the third part
// in the eighteenth bin.
const (
	eventField    = "e"
	exposureField = "x"
)

// fields are those of cells that hold something, each with its value.
func (c *cells) fields() []any {
	var all []any
	for i := range c {
		for j, w := range c[i] {
			at := strconv.Itoa(i) + ":" + strconv.Itoa(j)
			if w.events > 0 {
				all = append(all, eventField+at, w.events)
			}
			if w.exposure > 0 {
				all = append(all, exposureField+at, w.exposure)
			}
		}
	}
	return all
}

// readCells reads fields and values in turn. What it does not know, another
// version may.
func readCells(all []string) (c cells) {
	for i := 0; i+1 < len(all); i += 2 {
		kind, at := all[i][:min(1, len(all[i]))], all[i][min(1, len(all[i])):]
		part, bin, _ := strings.Cut(at, ":")
		p, errPart := strconv.Atoi(part)
		b, errBin := strconv.Atoi(bin)
		v, errValue := strconv.ParseFloat(all[i+1], 64)
		if errPart != nil || errBin != nil || errValue != nil || p < 0 || p > pooled || b < 0 || b >= ageBins || !(v >= 0 && v <= maxSum) {
			continue
		}
		switch kind {
		case eventField:
			c[p][b].events = v
		case exposureField:
			c[p][b].exposure = v
		}
	}
	return c
}

// maxSum is beyond what can be summed up: so many records, all of a month.
const maxSum = 1e12
