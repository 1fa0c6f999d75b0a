package web

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/plateq/plateq/client"
)

// chart is a bar chart, and the table that says the same to who cannot see it.
type chart struct {
	ID, Title string
	What      string // its bars are: "Answers", "Spent"
	Each      string // for how long one of them is: "a minute"
	Bars      []bar
	Most, Sum string
	Any       bool
}

// bar is one of its bars. Lengths are of a drawing 600 wide and 100 high.
type bar struct {
	X, Y, Width, Height float64
	At                  time.Time
	Value               string
}

// newChart draws values at times. write says a value to people.
func newChart(id, what, when, each string, at []time.Time, values []float64, write func(float64) string) chart {
	c := chart{ID: id, Title: what + " " + when, What: what, Each: each}
	most, sum := 0.0, 0.0
	for _, v := range values {
		most, sum = max(most, v), sum+v
	}
	step := 600 / float64(max(1, len(values)))
	for i, v := range values {
		b := bar{X: float64(i) * step, Width: step * .8, Y: 100, At: at[i], Value: write(v)}
		if most > 0 && v > 0 {
			b.Height = max(1, v/most*100)
			b.Y = 100 - b.Height
		}
		c.Bars = append(c.Bars, b)
	}
	c.Most, c.Sum, c.Any = write(most), write(sum), sum > 0
	return c
}

// charts show how much was answered and spent in the last hour and day. What
// all tenants have together is for keys of all tenants.
func (v *visit) charts() ([]chart, error) {
	if !v.whole() {
		return nil, nil
	}
	var all []chart
	for _, span := range []struct{ name, title, each string }{{"minute", "in the last hour", "a minute"}, {"hour", "in the last day", "an hour"}} {
		series, err := v.series(span.name, "")
		if err != nil || len(series) == 0 {
			return all, err
		}
		var at []time.Time
		var answers []float64
		spent := map[string][]float64{}
		for i, p := range series[0].Points {
			at, answers = append(at, p.At), append(answers, 0)
			for _, s := range series {
				answers[i] += float64(s.Points[i].Answered())
				for currency, amount := range s.Points[i].Spent {
					if spent[currency] == nil {
						spent[currency] = make([]float64, len(series[0].Points))
					}
					f, err := strconv.ParseFloat(amount, 64)
					if err != nil {
						return nil, fmt.Errorf("read amount: %w", err)
					}
					spent[currency][i] += f
				}
			}
		}
		all = append(all, newChart("answers-"+span.name, "Answers", span.title, span.each, at, answers,
			func(f float64) string { return number(int(f)) }))
		for _, currency := range slices.Sorted(maps.Keys(spent)) {
			all = append(all, newChart("spent-"+span.name+"-"+currency, "Spent", span.title, span.each, at, spent[currency],
				func(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) + " " + currency }))
		}
	}
	return slices.DeleteFunc(all, func(c chart) bool { return !c.Any }), nil
}

// series asks how much there was at providers lately.
func (v *visit) series(span, provider string) ([]client.Series, error) {
	q := url.Values{"span": {span}}
	if provider != "" {
		q.Set("provider", provider)
	}
	var list struct {
		Items []client.Series `json:"items"`
	}
	err := v.get("/v1/series", q, &list)
	return list.Items, err
}
