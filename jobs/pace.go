package jobs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/providers"
)

// Pace is how fast a provider is asked at present, for people to read.
type Pace struct {
	// Rate is requests a second: as told, or as learnt so far. Unlimited: no
	// bound. 0: to be learnt, and nothing has been asked yet.
	Rate float64
	// Learnt: Rate was not told, but found out.
	Learnt bool
	// Limit is what was measured between two refusals; 0: not yet.
	Limit float64
	// Paused is until when nothing is sent, since the provider said so or was
	// asked too often; zero or past: it is not.
	Paused time.Time
	// Workers asked lately; InFlight is how many calls they had in flight.
	Workers, InFlight int
	// Used is requests since the day began, as far as days are counted.
	Used int
	// Until is when the next day begins; zero: nothing was counted yet.
	Until time.Time
}

// ReadPace reads how fast a provider is asked by the whole fleet.
func ReadPace(ctx context.Context, c redis.UniversalClient, spec providers.Spec, l Limits) (Pace, error) {
	s := newScripts(c, spec)
	pipe := c.Pipeline()
	clock, fleet, day := pipe.Time(ctx), pipe.HVals(ctx, s.fleet), pipe.HGetAll(ctx, s.day)
	var paces [scopes]*redis.MapStringStringCmd
	for i, key := range s.scopes {
		paces[i] = pipe.HGetAll(ctx, key)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return Pace{}, fmt.Errorf("read the pace of %s: %w", spec.Name, err)
	}
	p := Pace{Rate: l.Rate, Learnt: l.Rate == 0}
	now := clock.Val()
	p.count(fleet.Val(), now)
	if till := moment(day.Val()["till"]); till.After(now) {
		p.Until = till
		if l.NextReset != nil {
			if end := l.NextReset(now); till.After(l.NextReset(end)) {
				p.Until = end // as the next question will have it
			}
		}
		p.Used, _ = strconv.Atoi(day.Val()["used"]) // our own writing
	}
	if p.Learnt {
		for i, v := range paces {
			p.learn(v.Val(), i == account, now)
		}
	}
	return p, nil
}

// Least is the shortest time in which so many requests can go out at this
// pace, where daily of them, if it is not 0, may go out from one Until to the
// next. False: no pace is kept, or none is known yet.
func (p Pace) Least(requests, daily int, now time.Time) (time.Duration, bool) {
	if p.Rate <= 0 {
		return 0, false
	}
	at := func(n int) time.Duration { return time.Duration(float64(n) / p.Rate * float64(time.Second)) }
	today := max(0, daily-p.Used)
	if daily <= 0 || requests <= today || p.Until.IsZero() && requests <= daily {
		return at(requests), true
	}
	// What is left for the last day goes out from its beginning on.
	rest := requests - today
	days := (rest - 1) / daily
	next := 24 * time.Hour
	if p.Until.After(now) {
		next = p.Until.Sub(now)
	}
	return next + time.Duration(days)*24*time.Hour + at(rest-days*daily), true
}

// count adds up the fleet's workers.
func (p *Pace) count(fleet []string, now time.Time) {
	const seen, busy, fields = 0, 5, 6
	for _, line := range fleet {
		f := strings.Fields(line)
		if len(f) != fields {
			continue
		}
		if ago := now.Sub(moment(f[seen])); ago > workerSeen || ago < -maxDebt-horizon { // the clock was set back
			continue
		}
		n, _ := strconv.Atoi(f[busy])
		p.Workers++
		p.InFlight += n
	}
}

// workerSeen is how long ago a worker may have asked and still be one.
const workerSeen = 10 * time.Second

// learn takes the slowest of the scopes: it is the one that holds the rest back.
func (p *Pace) learn(v map[string]string, first bool, now time.Time) {
	rate, err := strconv.ParseFloat(v["r"], 64)
	if err != nil || !first && p.Rate > 0 && rate >= p.Rate {
		return
	}
	p.Rate, p.Limit = rate, 0
	if v["ph"] == measured {
		p.Limit, _ = strconv.ParseFloat(v["w"], 64) // our own writing
	}
	p.Paused = moment(v["pa"])
	if ahead := moment(v["last"]).Sub(now); ahead > 0 && !p.Paused.IsZero() { // Redis' clock was set back since
		p.Paused = p.Paused.Add(-ahead)
	}
}

// measured is the phase of a scope whose limit is known, as it is kept in Redis.
const measured = "2"

// moment reads a time in µs; zero: there is none.
func moment(micros string) time.Time {
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.UnixMicro(n)
}
