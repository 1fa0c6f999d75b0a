package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// asker asks AOPay's stand-in about single plates, as one does by hand: over
// connections that are kept.
type asker struct {
	url  string
	http *http.Client
}

func newAsker(url string, atOnce int) *asker {
	return &asker{url: url + "/aopay/api/AOP/FetchConsumerDetails", http: newHTTP(atOnce)}
}

func newHTTP(atOnce int) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, atOnce
	return &http.Client{Timeout: 30 * time.Second, Transport: t}
}

// ask asks about one plate after the other.
func (a *asker) ask(ctx context.Context, about []question, tell func(answered)) error {
	for _, q := range about {
		body, err := a.one(ctx, q.plate)
		if err != nil {
			return err
		}
		tell(answered{q, time.Now(), body})
	}
	return nil
}

// one returns the answer about a plate, once it is seen to be one.
func (a *asker) one(ctx context.Context, plate string) ([]byte, error) {
	question, err := json.Marshal(map[string]any{"operator": 311, "canumber": plate, "RegistrationID": sim.DefaultToken})
	if err != nil {
		return nil, fmt.Errorf("write question: %w", err)
	}
	body, err := post(ctx, a.http, a.url, "", question)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Code   int  `json:"response_code"`
		Status bool `json:"status"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if answer.Code != 1 || !answer.Status {
		return nil, errors.New("read answer: nothing was found")
	}
	return body, nil
}

func post(ctx context.Context, c *http.Client, url, authorization string, question []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(question))
	if err != nil {
		return nil, fmt.Errorf("write question: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask: answered %s", resp.Status)
	}
	return body, nil
}
