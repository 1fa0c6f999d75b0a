package config

import (
	"fmt"
	"net/url"
	"strings"
)

// traces: where they go, and which.
func (l *faultList) traces(c *Config) {
	if c.TracesURL != "" {
		u, err := url.Parse(c.TracesURL.Reveal())
		ok := err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
		l.add(!ok, "TRACES_URL", "it must be a URL such as http://127.0.0.1:4318")
		l.add(ok && (u.User != nil || u.RawQuery != "" || u.Fragment != ""), "TRACES_URL",
			"it must hold no user, query or fragment: what the collector asks for goes into "+Prefix+"TRACES_HEADERS")
	}
	_, err := c.TracesHeaders()
	l.add(err != nil, "TRACES_HEADERS", fmt.Sprint(err))
	l.add(!(c.TracesShare >= 0 && c.TracesShare <= 1), "TRACES_SHARE", "it must be from 0 to 1")
}

// TracesHeaders returns what goes with each export of traces. Its errors hold
// none of the values.
func (c *Config) TracesHeaders() (map[string]string, error) {
	if c.TracesKeys == "" {
		return nil, nil
	}
	headers := map[string]string{}
	for i, pair := range strings.Split(c.TracesKeys.Reveal(), ",") {
		name, value, ok := strings.Cut(pair, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || value == "" || strings.ContainsFunc(name, notInHeader) {
			return nil, fmt.Errorf("header %d is not name=value", i+1)
		}
		headers[name] = value
	}
	return headers, nil
}

func notInHeader(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", r)
}
