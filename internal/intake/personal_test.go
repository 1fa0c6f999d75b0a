package intake_test

import (
	"testing"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
)

// TestColumnsAboutSomebodyArePersonal: all that are known but two, however a
// list writes them.
func TestColumnsAboutSomebodyArePersonal(t *testing.T) {
	t.Parallel()
	all := map[string]bool{
		"Last Name": true, "госномер": true, "Фамилия": true, "DATE OF BIRTH": true, "n° VIN": true, "गाड़ी नंबर": true,
		"id": false, "ID ": false, "Operator": false, "nameservice": false, "depot": false, "": false, "=": false,
	}
	for _, c := range providers.Columns() {
		all[string(c)] = c != providers.OperatorParam
	}
	for name, want := range all {
		if got := intake.Personal(name); got != want {
			t.Errorf("Personal(%q) = %t, want %t", name, got, want)
		}
	}
}
