package main

import (
	"context"
	_ "embed" // of the page
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"
)

//go:embed page.md
var pageText string

// loop is the contender with which the others are compared.
const loop = "loop"

const (
	// partOfList is what asynq and River are given: they would take long.
	partOfList = 0.2
	// atOnce is how many calls may be in flight, and atOnceFar where each takes
	// its time.
	atOnce, atOnceFar = 64, 400
	farAway           = 20 * time.Millisecond
	// batchSize is how many plates a submit carries.
	batchSize = 1000
)

// The contests, without those of memory and growth.
func (b *bench) single() contest {
	return contest{"single", task{rows: b.size(100_000), atOnce: atOnce, batch: 1}, []contender{
		service(), embedded(), loopCopy(), loopSealed(), loopSQLite(), byRiver(), byAsynq(),
	}}
}

func (b *bench) distant() contest {
	return contest{"distant", task{rows: b.size(100_000), atOnce: atOnceFar, batch: 1, delay: farAway}, []contender{
		service(), loopCopy(), loopSealed(), byRiver(), byAsynq(),
	}}
}

func (b *bench) batches() contest {
	return contest{"batches", task{rows: b.size(200_000), atOnce: atOnce, batch: batchSize}, []contender{
		service(), embedded(), loopCopy(), loopSealed(), loopSQLite(),
	}}
}

func (b *bench) intake() contest {
	return contest{"intake", task{rows: b.size(1_000_000), atOnce: 1, batch: 1, intakeOnly: true}, []contender{
		intakeService(), intakeEmbedded(), copyPostgres(), copySealed(), copySQLite(),
	}}
}

func loopCopy() contender { return peer(loop, "a loop, COPY into PostgreSQL", 1, needsPostgres) }
func loopSealed() contender {
	return peer("loop-sealed", "a loop that seals and claims, COPY", 1, needsPostgres)
}
func loopSQLite() contender {
	return peer("loop-sqlite", "a loop, SQLite with synchronous=NORMAL", 1)
}
func byRiver() contender { return peer("river", "River, a job for each plate", partOfList, needsRiver) }
func byAsynq() contender {
	return peer("asynq", "asynq, a task for each plate", partOfList, needsPostgres, needsRedis)
}
func copyPostgres() contender { return peer("copy", "one COPY into PostgreSQL", 1, needsPostgres) }
func copySealed() contender {
	return peer("copy-sealed", "COPY, sealed and with a keyed hash", 1, needsPostgres)
}
func copySQLite() contender { return peer("copy-sqlite", "SQLite, 10,000 a transaction", 1) }

// report is what the page is made of.
type report struct {
	Note                                             string // what is to be known of the run
	Date                                             string
	Rounds                                           int
	Facts, Aims, Others, Promise                     string
	Single, Distant, Batches, Intake, Memory, Growth string
	SingleSteps, DistantSteps, BatchSteps            string
}

// page measures and writes.
func (b *bench) page(ctx context.Context) (string, error) {
	r := report{Note: b.note, Date: time.Now().Format("2 January 2006"), Rounds: b.rounds}
	var err error
	if r.Facts, err = b.facts(ctx); err != nil {
		return "", err
	}
	begun, err := b.busy()
	if err != nil {
		return "", err
	}
	var a aims
	var p promise
	for _, one := range []struct {
		what string
		contest
		table, steps *string
		aim          func(*aims, results)
	}{
		{"single look-ups, 0 ms", b.single(), &r.Single, &r.SingleSteps, (*aims).single},
		{"single look-ups, 20 ms", b.distant(), &r.Distant, &r.DistantSteps, (*aims).distant},
		{"batches", b.batches(), &r.Batches, &r.BatchSteps, (*aims).batches},
		{"a million rows taken in", b.intake(), &r.Intake, new(string), (*aims).intake},
	} {
		var all results
		if all, err = b.hold(ctx, one.contest); err != nil {
			break
		}
		*one.table, *one.steps = one.contest.table(all), steps(all["plateq"])
		one.aim(&a, all)
		p.add(one.what, one.contest, all)
	}
	if err == nil {
		var held peaks
		held, err = b.memory(ctx)
		r.Memory = held.table()
		a.memory(held)
	}
	if err == nil {
		var all results
		all, err = b.growth(ctx)
		r.Growth = growthTable(all, b.size(grownRows))
		a.growth(all)
	}
	r.Aims, r.Promise = a.String(), p.String()
	others, lost := b.others(begun)
	r.Others = fmt.Sprintf("%.0f %%", 100*others)
	err = errors.Join(err, lost)
	return r.write(err)
}

// write fills the page in. What was measured before an error is shown too.
func (r report) write(failed error) (string, error) {
	var text strings.Builder
	t, err := template.New("page").Parse(pageText)
	if err == nil {
		err = t.Execute(&text, r)
	}
	if failed == nil && err != nil {
		failed = fmt.Errorf("write page: %w", err)
	}
	return text.String(), failed
}
