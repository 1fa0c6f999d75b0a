package providers

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// NewRequest returns the request that http.NewRequestWithContext would make,
// to a URL that was parsed before and with a header that was filled before.
// Both belong to all requests that are made of them: neither they nor body may
// change any more.
func NewRequest(ctx context.Context, method string, to *url.URL, header http.Header, body []byte) *http.Request {
	req := http.Request{
		Method: method, URL: to, Host: strings.TrimSuffix(to.Host, ":"), // of a port that is empty
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: http.NoBody, ContentLength: int64(len(body)),
	}
	if len(body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	return req.WithContext(ctx)
}
