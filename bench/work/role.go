package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/plateq/plateq/bench/rig"
)

// role is what this program does as a process of its own.
type role struct {
	As       string        `json:"as"`
	URL      string        `json:"url"`
	Delay    time.Duration `json:"delay"`
	List     string        `json:"list"`
	Out      string        `json:"out"`
	Database string        `json:"database"`
	Redis    string        `json:"redis"`
	Rows     int           `json:"rows"`
	AtOnce   int           `json:"at_once"`
	Batch    int           `json:"batch"`
}

// start runs this program as a process that plays a role.
func (b *bench) start(name, dir string, r role) (*rig.Process, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write role: %w", err)
	}
	return rig.Start(dir, name, nil, b.self, string(text))
}

// play does what the role says.
func play(ctx context.Context, text string) error {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return fmt.Errorf("read role: %w", err)
	}
	do := map[string]func(context.Context) error{
		"stand-in": r.standIn, "loop": r.loop, "loop-sqlite": r.loop, "loop-sealed": r.loopSealed, "asynq": r.asynq, "river": r.river,
		"copy": r.copy, "copy-sealed": r.copySealed, "copy-sqlite": r.copySQLite,
	}[r.As]
	if do == nil {
		return fmt.Errorf("read role: there is none called %q", r.As)
	}
	return do(ctx)
}
