package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/plateq/plateq/bench/rig"
)

// peaks are the most that processes have held, in bytes, by the length of the
// list. Where all is to be quick, the lists are in fact shorter.
type peaks struct {
	intake map[int]int64           // of serve, when the list was accepted
	whole  map[int][]rig.PartUsage // when the results were there
}

// lengths are those of the lists.
func lengths() []int { return []int{10_000, 100_000, 1_000_000} }

// memory measures what the processes of Plateq hold at the most while they
// take in and do lists of different lengths.
func (b *bench) memory(ctx context.Context) (peaks, error) {
	held := peaks{intake: map[int]int64{}, whole: map[int][]rig.PartUsage{}}
	for _, rows := range lengths() {
		work := task{rows: b.size(rows), atOnce: atOnce, batch: batchSize}
		takeIn := work
		takeIn.intakeOnly = true
		for _, one := range []struct {
			contender
			task
			as string
		}{{intakeService(), takeIn, "intake"}, {service(), work, "plateq"}, {embedded(), work, "embedded"}} {
			name := fmt.Sprintf("memory/%s-%d", one.as, rows)
			if !b.only.MatchString(name) {
				continue
			}
			// How much garbage an intake holds at its height is a matter of chance.
			rounds := 1
			if one.intakeOnly {
				rounds = b.rounds
			}
			var all []result
			for range rounds {
				got, err := b.measure(ctx, one.contender, one.task)
				if err != nil {
					return held, fmt.Errorf("%s: %w", name, err)
				}
				fmt.Fprintf(os.Stderr, "%s %s: %s\n", time.Now().Format(time.TimeOnly), name, got)
				all = append(all, got)
			}
			if one.intakeOnly {
				held.intake[rows] = int64(median(all, func(r result) float64 { return float64(r.peak) }))
			} else {
				held.whole[rows] = append(held.whole[rows], all[0].parts...)
			}
		}
	}
	return held, nil
}

// table writes all in MB.
func (p peaks) table() string {
	var t markdown
	for _, rows := range lengths() {
		if len(p.whole[rows])+int(p.intake[rows]) == 0 {
			continue
		}
		t.head = []string{"rows", "intake alone: `serve`"}
		row := []string{thousands(float64(rows)), fmt.Sprint(p.intake[rows] >> 20)}
		for _, part := range p.whole[rows] {
			t.head = append(t.head, "`"+part.Part+"`")
			row = append(row, fmt.Sprint(part.Peak>>20))
		}
		t.add(row...)
	}
	return t.String()
}
