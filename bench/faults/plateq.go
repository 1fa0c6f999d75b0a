package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/plateq/plateq/bench/rig"
	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/chaos"
	"github.com/plateq/plateq/providers/sim"
)

// byPlateq looks up with Plateq as it comes.
type byPlateq struct {
	ground
	fleet *rig.Fleet
	id    string
	idle  int // how often the list was done, one look after the other
}

func newPlateq(g ground) subject { return &byPlateq{ground: g} }

func (p *byPlateq) begin(ctx context.Context, list []string) (err error) {
	p.fleet, err = rig.StartFleet(ctx, rig.FleetOptions{
		Program: p.plateq, Dir: p.dir, Database: p.database, Redis: p.redis.URL(), Parts: rig.Service(2),
		Env: []string{
			"PLATEQ_AOPAY_BASE_URL=" + p.url + "/aopay", "PLATEQ_AOPAY_REGISTRATION_ID=" + sim.DefaultToken,
			"PLATEQ_AOPAY_RATE=none", "PLATEQ_AOPAY_CONCURRENCY=" + strconv.Itoa(2*perWorker),
		},
	})
	if err != nil {
		return err
	}
	b, err := p.fleet.API.Submit(ctx, client.SubmitOptions{Provider: "aopay", Format: client.CSV}, strings.NewReader("plate\n"+strings.Join(list, "\n")+"\n"))
	p.id = b.ID
	return err
}

func (p *byPlateq) workers() []*rig.Process { return p.fleet.Living("worker") }

func (p *byPlateq) add(context.Context) error { return p.fleet.Add("worker") }

// quiet waits for answers that come late: a list that is done may go on.
func (p *byPlateq) quiet(ctx context.Context) (bool, error) {
	b, err := p.fleet.API.Batch(ctx, p.id)
	if b.State.Finished() {
		p.idle++
	} else {
		p.idle = 0
	}
	return p.idle > looks, err
}

func (p *byPlateq) rows(ctx context.Context) ([]chaos.Row, error) {
	var all []chaos.Row
	for r, err := range p.fleet.API.Results(ctx, p.id, client.ResultsOptions{}) {
		if err != nil {
			return nil, err
		}
		all = append(all, chaos.Row{N: r.Row, Plate: *r.Plate, Status: string(r.Status)})
	}
	return all, nil
}

func (p *byPlateq) end() {
	if p.fleet != nil {
		p.fleet.End()
	}
}
