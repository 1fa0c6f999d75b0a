package providers_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
)

// choosy takes a vehicle by plate or VIN, and a person by name or passport.
func choosy(s *providers.Spec) {
	s.Needs = nil
	s.Uses = []providers.Column{providers.Plate, providers.VIN, providers.LastName, providers.Birth, providers.Patronymic, providers.Passport}
	s.Choices = []providers.Choice{
		{Name: "vehicle", Ways: []providers.Way{
			{Needs: []providers.Column{providers.Plate}}, {Needs: []providers.Column{providers.VIN}},
		}},
		{Name: "person", Ways: []providers.Way{
			{Needs: []providers.Column{providers.LastName, providers.Birth}, May: []providers.Column{providers.Patronymic}},
			{Needs: []providers.Column{providers.Passport}},
		}},
	}
}

func TestAsked(t *testing.T) {
	t.Parallel()
	s := spec(choosy)
	for name, tc := range map[string]struct {
		has, want providers.Subject
		unfilled  []string
	}{
		"one way each": {
			has:  providers.Subject{"plate": "A1", "passport": "7"},
			want: providers.Subject{"plate": "A1", "passport": "7"},
		},
		"the first way wins": {
			has:  providers.Subject{"plate": "A1", "vin": "V", "last_name": "I", "birth": "B", "patronymic": "P", "passport": "7"},
			want: providers.Subject{"plate": "A1", "last_name": "I", "birth": "B", "patronymic": "P"},
		},
		"a way filled in part is left out": {
			has:  providers.Subject{"vin": "V", "last_name": "I", "patronymic": "P", "passport": "7"},
			want: providers.Subject{"vin": "V", "passport": "7"},
		},
		"columns that are not used are left out": {
			has:  providers.Subject{"plate": "A1", "passport": "7", "inn": "9"},
			want: providers.Subject{"plate": "A1", "passport": "7"},
		},
		"none": {
			has:      providers.Subject{"last_name": "I"},
			want:     providers.Subject{"last_name": "I"},
			unfilled: []string{"vehicle", "person"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, unfilled := s.Asked(tc.has)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			var names []string
			for _, c := range unfilled {
				names = append(names, c.Name)
			}
			if diff := cmp.Diff(tc.unfilled, names); diff != "" {
				t.Errorf("unfilled (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewSetRefusesBadChoices(t *testing.T) {
	t.Parallel()
	newSet(t, &single{spec: spec(choosy)})
	for want, change := range map[string]func(*providers.Spec){
		"must have a name": func(s *providers.Spec) { s.Choices[0].Name = "" },
		"and ways":         func(s *providers.Spec) { s.Choices[0].Ways = nil },
		"a way must need":  func(s *providers.Spec) { s.Choices[0].Ways[0].Needs = nil },
		"among Uses":       func(s *providers.Spec) { s.Choices[1].Ways[0].May = []providers.Column{providers.INN} },
		"plate belongs to vehicle": func(s *providers.Spec) {
			s.Choices[1].Ways[1].Needs = []providers.Column{providers.Plate}
		},
		"vin belongs to Needs": func(s *providers.Spec) { s.Needs = []providers.Column{providers.VIN} },
	} {
		_, err := providers.NewSet(&single{spec: spec(func(s *providers.Spec) { choosy(s); change(s) })})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
}
