package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// batcher asks Attestr's stand-in about batches: it submits one and reads it
// page by page, as answers are there at once.
type batcher struct {
	url  string
	http *http.Client
}

func newBatcher(url string, atOnce int) *batcher {
	return &batcher{url: url + "/attestr/api/v2/public/batchx", http: newHTTP(atOnce)}
}

// submission is what a submit carries.
type submission struct {
	Type  string `json:"type"`
	Items []item `json:"items"`
}

type item struct {
	Reg string `json:"reg"`
}

func (b *batcher) ask(ctx context.Context, about []question, tell func(answered)) error {
	s := submission{Type: "RC_MOBILE"}
	for _, q := range about {
		s.Items = append(s.Items, item{q.plate})
	}
	var batch struct {
		ID string `json:"_id"`
	}
	if err := b.post(ctx, b.url, s, &batch); err != nil {
		return err
	}
	for from := 0; from < len(about); {
		n, err := b.page(ctx, batch.ID, about[from:], from, tell)
		if err != nil {
			return err
		}
		from += n
	}
	return nil
}

// page reads records from one on, which are in the order of the submit.
func (b *batcher) page(ctx context.Context, id string, about []question, from int, tell func(answered)) (int, error) {
	var page struct {
		Data []json.RawMessage `json:"data"`
	}
	err := b.post(ctx, b.url+"/"+id+"/items", map[string]int{"$skip": from, "$limit": pageSize}, &page)
	if err != nil {
		return 0, err
	}
	if len(page.Data) == 0 || len(page.Data) > len(about) {
		return 0, fmt.Errorf("read page: %d records", len(page.Data))
	}
	now := time.Now()
	for i, text := range page.Data {
		var record struct {
			Status string `json:"status"`
			Input  item   `json:"input"`
		}
		if err := json.Unmarshal(text, &record); err != nil {
			return 0, fmt.Errorf("read record: %w", err)
		}
		if record.Status != sim.RecordCompleted || record.Input.Reg != about[i].plate {
			return 0, fmt.Errorf("read record: it is %s, or another", record.Status)
		}
		tell(answered{about[i], now, text})
	}
	return len(page.Data), nil
}

func (b *batcher) post(ctx context.Context, url string, question, answer any) error {
	text, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("write question: %w", err)
	}
	body, err := post(ctx, b.http, url, "Basic "+sim.DefaultToken, text)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}
