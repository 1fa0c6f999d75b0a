package api

import (
	"context"
	"time"
)

// Pace is how fast the whole fleet asks a provider at present.
type Pace struct {
	// Rate is requests a second, as told or as learnt so far; 0: it is to be
	// learnt, and nothing has been asked yet. Below 0: no bound.
	Rate float64
	// Learnt: Rate was found out.
	Learnt bool
	// Limit is the provider's own, as it was measured; 0: not yet.
	Limit float64
	// Paused is until when nothing is sent; zero or past: it is not.
	Paused time.Time
	// Workers asked lately, InFlight is how many of their calls are under way.
	Workers, InFlight int
	// Used is requests since the provider's day began, Until is when the next
	// one does; zero: nothing was counted yet.
	Used  int
	Until time.Time
}

// paceView is a Pace as it is sent.
type paceView struct {
	Rate        *float64   `json:"rate" doc:"Requests a second; null: no bound."`
	Learnt      bool       `json:"learnt"`
	Limit       *float64   `json:"limit"`
	PausedUntil *timestamp `json:"paused_until"`
	Workers     int        `json:"workers"`
	InFlight    int        `json:"in_flight"`
	UsedToday   int        `json:"used_today"`
	DayEnds     *timestamp `json:"day_ends"`
}

// pace is how fast a provider is asked; nil: nobody knows.
func (s *server) pace(ctx context.Context, provider string) *paceView {
	if s.Pace == nil {
		return nil
	}
	p, ok := s.Pace(ctx, provider)
	if !ok {
		return nil
	}
	v := &paceView{Learnt: p.Learnt, Workers: p.Workers, InFlight: p.InFlight, UsedToday: p.Used, DayEnds: timestampOf(p.Until)}
	if p.Rate >= 0 {
		v.Rate = new(p.Rate)
	}
	if p.Limit > 0 {
		v.Limit = new(p.Limit)
	}
	if p.Paused.After(s.Now()) {
		v.PausedUntil = timestampOf(p.Paused)
	}
	return v
}
