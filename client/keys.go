package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Key is a key of the server's API, without its secret.
type Key struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Tenant string `json:"tenant"` // whose things it sees; "*": those of all
	// Scopes are what it lets do: submit, read, read:pii, operate, admin.
	Scopes []string `json:"scopes"`
	// State is valid, expired or revoked.
	State     string     `json:"state"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`
	// LastUsedAt is about when it was shown last.
	LastUsedAt *time.Time `json:"last_used_at"`
	RevokedAt  *time.Time `json:"revoked_at"`
}

// NewKey is a key that was made.
type NewKey struct {
	Key
	// Secret is what its holder shows, and Options.APIKey takes. The server
	// keeps only a hash of it.
	Secret string `json:"key"`
}

// KeyRequest is a key that somebody wants made.
type KeyRequest struct {
	Name      string     `json:"name"`
	Tenant    string     `json:"tenant,omitempty"` // empty: that of the caller
	Scopes    []string   `json:"scopes"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"` // nil: never
}

// CreateKey makes a key. From the first one on, the server answers nobody
// without.
func (c *Client) CreateKey(ctx context.Context, r KeyRequest) (NewKey, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return NewKey{}, fmt.Errorf("encode key: %w", err)
	}
	var k NewKey
	err = c.post(ctx, request{path: "/v1/keys", contentType: jsonType, body: bytes.NewReader(body)}, &k)
	return k, err
}

// Keys lists keys, oldest first, revoked and expired ones too.
func (c *Client) Keys(ctx context.Context) ([]Key, error) {
	var page struct {
		Items []Key `json:"items"`
	}
	err := c.get(ctx, "/v1/keys", nil, &page)
	return page.Items, err
}

// RevokeKey takes the key of that id back, at once and for good.
func (c *Client) RevokeKey(ctx context.Context, id string) (Key, error) {
	var k Key
	resp, err := c.once(ctx, request{method: http.MethodDelete, path: "/v1/keys/" + url.PathEscape(id), accept: jsonType})
	if err != nil {
		return k, err
	}
	err = decode(resp, &k)
	return k, err
}
