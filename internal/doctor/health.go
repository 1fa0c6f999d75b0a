package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"github.com/plateq/plateq/internal/config"
)

// Health asks the process of this configuration whether it lives, and nothing
// else: where it tells its metrics or, where it does so nowhere, at the API.
func Health(ctx context.Context, c config.Config) error {
	url := "http://" + here(c.AdminListen)
	transport := &http.Transport{DisableKeepAlives: true, Proxy: nil}
	if c.AdminListen == config.Nowhere {
		url = "http://" + here(c.Listen)
		if c.TLSCert != "" {
			url = "https://" + here(c.Listen)
			// What it shows is for the name that others know it by.
			transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // it is this machine, and is told nothing
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthz", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask the process: %w", err)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("ask the process: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the process: it answers %s at %s", resp.Status, url)
	}
	return nil
}

// here is an address that is listened on as it is reached from this machine.
func here(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "", err == nil && ip.IsUnspecified() && ip.Is4():
		host = "127.0.0.1"
	case err == nil && ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
