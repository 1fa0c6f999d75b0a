package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/providers/sim"
)

// polling are the cases in which a batch of 500 becomes final bit by bit,
// within five times the span, and is read in pages of 100.
func polling() section {
	s := section{
		name: "polling", title: "A batch of 500 becomes final bit by bit",
		head: []string{"records finish", "`POLL_PRICE`", "requests", "times the fewest", "median from final to settled", "95 % within", "longest"},
	}
	for _, order := range []string{sim.PageOrder, sim.RandomOrder} {
		for _, price := range []string{"210", "1000"} {
			s.add(order+"-"+price, func(ctx context.Context, l *lab) ([][]string, error) { return l.polling(ctx, order, price) })
		}
	}
	return s
}

func (l *lab) polling(ctx context.Context, order, price string) ([][]string, error) {
	s, err := l.openSlow(ctx, sim.Account{Provider: "attestr"}, sim.Completion{Max: 5 * l.span, Order: order}, way{})
	if err != nil {
		return nil, err
	}
	defer s.close()
	err = s.plateq(ctx, 2, "none", 500, settings{"BATCH_SIZE": "500", "POLL_MIN": "15s", "POLL_MAX": "5m", "POLL_PRICE": price, "CONCURRENCY": "4"})
	if err != nil {
		return nil, err
	}
	if _, err := s.fleet.API.Wait(ctx, s.batch.ID, func(client.Batch) {}); err != nil {
		return nil, fmt.Errorf("wait for the batch: %w", err)
	}
	delays, err := s.delays(ctx)
	if err != nil {
		return nil, err
	}
	stats := s.up.Stats()
	fewest := 0
	for _, n := range stats.FewestPolls {
		fewest += n
	}
	at := func(share float64) string {
		return delays[int(share*float64(len(delays)-1))].Round(100 * time.Millisecond).String()
	}
	polls := stats.Requests["items"]
	return [][]string{{
		map[string]string{sim.PageOrder: "in the order of the list", sim.RandomOrder: "at random, the first batch ever"}[order], price,
		fmt.Sprint(polls), fmt.Sprintf("%.1f", float64(polls)/float64(max(1, fewest))), at(0.5), at(0.95), at(1),
	}}, nil
}

// delays are the times from a record that is final to a row that is settled,
// the shortest first.
func (s *scene) delays(ctx context.Context) ([]time.Duration, error) {
	finals := s.up.Finals()
	var all []time.Duration
	for row, err := range s.fleet.API.Results(ctx, s.batch.ID, client.ResultsOptions{}) {
		if err != nil {
			return nil, fmt.Errorf("read results: %w", err)
		}
		if row.Plate != nil && row.AnsweredAt != nil {
			all = append(all, row.AnsweredAt.Sub(finals[*row.Plate]))
		}
	}
	if len(all) != len(finals) {
		return nil, fmt.Errorf("%d rows of %d have an answer", len(all), len(finals))
	}
	slices.Sort(all)
	return all, nil
}
