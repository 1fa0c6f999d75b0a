//go:build generated

// Command generated submits a list by a client that was generated from the
// document, waits for it and reads its rows. The client is beside it only
// while the test of this module runs.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	_ "github.com/oapi-codegen/runtime" // what is generated needs it
)

func main() {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	c, err := NewClientWithResponses(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	name := "generated"
	made, err := c.SubmitBatchWithResponse(ctx, &SubmitBatchParams{}, Submission{
		Provider: "attestr", Name: &name, Metadata: &map[string]any{"k": "v"},
		Items: []map[string]any{{"plate": "DL01AA1000", "id": "a"}, {"plate": "DL01AA1001", "id": "b"}, {"plate": "??", "id": "c"}},
	})
	if err != nil || made.JSON201 == nil {
		log.Fatalf("submit: %v %s", err, body(made))
	}
	b := *made.JSON201
	for b.State != BatchStateDone {
		got, err := c.GetBatchWithResponse(ctx, b.Id, &GetBatchParams{})
		if err != nil || got.JSON200 == nil {
			log.Fatalf("get batch: %v", err)
		}
		b = *got.JSON200
	}
	limit := 2
	params := &ListResultsParams{Limit: &limit}
	rows := 0
	for {
		page, err := c.ListResultsWithResponse(ctx, b.Id, params)
		if err != nil || page.JSON200 == nil {
			log.Fatalf("list results: %v", err)
		}
		for _, r := range page.JSON200.Items {
			rows++
			fmt.Println(r.Row, *r.Id, r.Status, r.Error == nil)
		}
		if params.Cursor = page.JSON200.NextCursor; params.Cursor == nil {
			break
		}
	}
	if rows != 3 || b.Counts["invalid"] != 1 {
		log.Fatalf("%d rows, %v", rows, b.Counts)
	}
	refused, err := c.GetBatchWithResponse(ctx, "b_nobody", &GetBatchParams{})
	if err != nil || refused.ApplicationproblemJSONDefault == nil || refused.ApplicationproblemJSONDefault.Code != "no_such_batch" {
		log.Fatalf("get no batch: %v", err)
	}
}

func body(r *SubmitBatchResponse) []byte {
	if r == nil {
		return nil
	}
	return r.Body
}
