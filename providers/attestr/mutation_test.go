package attestr_test

import (
	"testing"

	"github.com/plateq/plateq/providers/providertest"
)

// TestRulesNotice runs each rule against an Attestr that breaks it.
func TestRulesNotice(t *testing.T) {
	t.Parallel()
	providertest.RunMutants(t, harness())
}
