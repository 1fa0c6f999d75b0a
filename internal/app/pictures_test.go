//go:build pictures

package app_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/browsertest"
	"github.com/plateq/plateq/providers/sim"
)

var pictures = flag.String("pictures", "", "write pictures of all pages, of invented lists, to this directory")

// TestPictures takes pictures for people to look at, for make screenshots. It
// tests nothing, and so is no part of the tests.
func TestPictures(t *testing.T) {
	o := sim.Demo()
	o.Faults = []sim.Fault{{Name: "cut", Kind: "charge_then_close", Where: "submit", Prefix: "KA"}}
	d := newDesk(t, standIn(t, o), "PLATEQ_ATTESTR_RATE=2", "PLATEQ_ATTESTR_BATCH_SIZE=60")
	at, cl := d.site()
	submit := func(name, prefix string, rows int) client.Batch {
		t.Helper()
		list := strings.ReplaceAll("plate\n"+strings.Join(plates(rows), "\n")+"\n?\n", "KA", prefix)
		b, err := cl.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV, Name: name}, strings.NewReader(list))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	done := submit("Fleet November", "DL", 480)
	if _, err := cl.Wait(t.Context(), done.ID, nil); err != nil {
		t.Fatal(err)
	}
	lost := submit("Claims desk", "KA", 40)
	for b, err := range cl.Watch(t.Context(), lost.ID) {
		if err != nil || b.Counts[client.RowUnknown] > 0 {
			break
		}
	}
	paused := submit("Motor pool", "TN", 900)
	if _, err := cl.Pause(t.Context(), paused.ID); err != nil {
		t.Fatal(err)
	}
	running := submit("Leasing check 2026", "MH", 20000)
	for b, err := range cl.Watch(t.Context(), running.ID) {
		if err != nil || b.Counts[client.RowFound] > 200 {
			break
		}
	}
	shots := map[string]string{
		"overview": "/", "batches": "/batches", "batch": "/batches/" + done.ID, "running": "/batches/" + running.ID,
		"cancel": "/batches/" + running.ID + "/cancel", "new": "/new", "lookup": "/lookup", "unknown": "/unknown", "error": "/nowhere",
		"providers": "/providers", "queues": "/queues", "queue": "/queues/attestr", "webhooks": "/webhooks", "keys": "/keys", "access": "/access",
	}
	list := d.list("fleet.csv", plates(200))
	for suffix, o := range map[string]browsertest.Options{"": {}, "-dark": {Dark: true}, "-phone": {Width: 380, Height: 800}, "-phone-dark": {Width: 380, Height: 800, Dark: true}} {
		p := browsertest.Open(t, at, o)
		for name, path := range shots {
			p.Go(path)
			if name == "new" {
				p.Choose("#provider", "attestr")
				p.Fill("#name", "Fleet December")
				p.Upload("#file", list)
				p.Click("#go button")
				p.Await("h2", "What it costs")
				browsertest.Eval[bool](p, "document.activeElement.blur(), scrollTo(0, 0), true")
			}
			if err := os.WriteFile(filepath.Join(*pictures, name+suffix+".png"), p.Picture(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
