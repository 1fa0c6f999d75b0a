package intake

import (
	"testing"

	"github.com/plateq/plateq/providers"
)

func TestShapesOfPlates(t *testing.T) {
	t.Parallel()
	for country, c := range map[string]struct{ usual, odd []string }{
		"IN": {[]string{"DL01AA1000", "DL1CAA1111", "MH121234", "22BH1234AA", "KA05MN1234"}, []string{"XX01AA1000", "20BH1234AA", "22BH1234AI", "ABC1234", "A123BC77"}},
		"RU": {[]string{"A123BC77", "E001KX777", "AA123477", "1234AA77", "A123477"}, []string{"D123BC77", "A123BC7", "DL01AA1000"}},
		"MX": {[]string{"ABC123", "ABC1234", "ABC123A", "AB12345", "12AA3B"}, []string{"IBC1234", "ABC12", "A123BC77"}},
		"FR": {[]string{"AB123CD", "123ABC75", "1234AB2A", "1AB971"}, []string{"AI123CD", "AB123C", "DL01AA1000"}},
	} {
		spec := providers.Spec{Countries: []string{country}}
		for _, plate := range c.usual {
			if w := warn(spec, providers.Subject{providers.Plate: plate}); w != nil {
				t.Errorf("%s: %s draws a warning: %s", country, plate, w.Message)
			}
		}
		for _, plate := range c.odd {
			if w := warn(spec, providers.Subject{providers.Plate: plate}); w == nil || w.Code != "plate_shape" {
				t.Errorf("%s: %s draws no warning", country, plate)
			}
		}
	}
	for _, spec := range []providers.Spec{{}, {Countries: []string{"NO"}}, {Countries: []string{"IN", "NO"}}, {Countries: []string{"FR", "RU"}}} {
		if w := warn(spec, providers.Subject{providers.Plate: "A123BC77"}); w != nil {
			t.Errorf("%v: a plate of another country, or of one that is not known, draws a warning", spec.Countries)
		}
	}
	if w := warn(providers.Spec{Countries: []string{"IN"}}, providers.Subject{providers.VIN: "x"}); w != nil {
		t.Error("a row without a plate draws a warning")
	}
}
