package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/plateq/plateq/client"
)

// A list is streamed from a file, waited for, and its rows are walked through
// as they are fetched.
func Example() {
	ctx := context.Background()
	c, err := client.New("http://127.0.0.1:8080", client.Options{APIKey: os.Getenv("PLATEQ_API_KEY")})
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Open("fleet.csv")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	b, err := c.Submit(ctx, client.SubmitOptions{Provider: "attestr", Format: client.CSV, MaxCost: "500.00"}, file)
	if err != nil {
		log.Fatal(err)
	}
	b, err = c.Wait(ctx, b.ID, func(b client.Batch) { fmt.Println(b.Open(), "rows to go") })
	if err != nil {
		log.Fatal(err)
	}
	for row, err := range c.Results(ctx, b.ID, client.ResultsOptions{Status: []client.Status{client.RowFound}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(*row.Plate, string(row.Result))
	}
}

// One plate is asked about while somebody waits.
func ExampleClient_LookUp() {
	ctx := context.Background()
	c, err := client.New("http://127.0.0.1:8080", client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	got, err := c.LookUp(ctx, client.SubmitOptions{Provider: "attestr"}, client.Item{"plate": "DL01AA1000"}, 10*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	if !got.Settled() { // it goes on: nobody has to ask, or pay, again
		fmt.Println("later, by", got.Batch.ID)
		return
	}
	fmt.Println(got.Row.Status, string(got.Row.Result))
}

// What the server refuses says which fields are wrong.
func ExampleProblem() {
	c, err := client.New("http://127.0.0.1:8080", client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.SubmitItems(context.Background(), client.SubmitOptions{Provider: "nobody"}, []client.Item{{"plate": "DL01AA1000"}})
	if p, ok := errors.AsType[*client.Problem](err); ok {
		for _, e := range p.Errors {
			fmt.Println(e.Field, e.Detail)
		}
	}
}

// A batch is followed as it goes on, and left in the middle.
func ExampleClient_Watch() {
	c, err := client.New("http://127.0.0.1:8080", client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for b, err := range c.Watch(context.Background(), "b_2f0j3k5l7m9n1p3q5r7s") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(b.Counts[client.RowFound], "found")
		if b.Counts[client.RowFound] >= 100 {
			break
		}
	}
}
