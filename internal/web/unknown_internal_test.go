package web

import (
	"testing"

	"github.com/plateq/plateq/client"
)

// TestWhatWasSentAgainIsAtRiskNoMore: sending the rest again cannot pay for it.
func TestWhatWasSentAgainIsAtRiskNoMore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		resent int
		risk   string
	}{{0, "7.50"}, {1, "5.00"}, {2, "2.50"}} {
		got, err := riskOf(client.UnknownCall{Questions: 3, Resent: tt.resent, AtRisk: new("7.50")})
		if err != nil || *got != tt.risk {
			t.Errorf("%d of 3 were sent again: got %v, %v, want %s", tt.resent, got, err, tt.risk)
		}
	}
}
