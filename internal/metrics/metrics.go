// Package metrics tells Prometheus what a process does and how the fleet
// stands. Labels are names of providers, scopes and states: bounded, and never
// what is personal.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// namespace begins the names of all metrics that are ours.
const namespace = "plateq"

// Handler serves what was counted by m and what fleet reads, beside what the
// runtime tells. fleet may be nil: then this process does not tell of others.
// So may spool: it has none. A figure that cannot be read is left out, and does not hold back the others.
func Handler(m *Meter, fleet *Fleet, spool Spool, version string) http.Handler {
	r := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the label says which version runs.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), info)
	r.MustRegister(m.collectors()...)
	if fleet != nil {
		r.MustRegister(fleet)
	}
	if spool != nil {
		r.MustRegister(spool)
	}
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}
