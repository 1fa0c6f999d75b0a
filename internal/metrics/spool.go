package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plateq/plateq/store"
)

// Spool tells what waits in the spool of this process. It is a
// prometheus.Collector, as safe for concurrent use as the function is.
type Spool func() store.SpoolUse

// Describe implements prometheus.Collector. Like Fleet, it tells nothing
// beforehand.
func (s Spool) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s Spool) Collect(to chan<- prometheus.Metric) {
	tell := func(name, help string, value float64) {
		desc := prometheus.NewDesc(prometheus.BuildFQName(namespace, "spool", name), help, nil, nil)
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	use := s()
	tell("answers", "Answers that the store has not taken yet: they are on this process's disk, sealed.", float64(use.Answers))
	tell("refused_answers", "Answers that the store refuses and that were set aside, sealed, on this process's disk. They are tried again when it starts.", float64(use.Refused))
	tell("bytes", "How much of the spool is filled. It is emptied as a whole.", float64(use.Bytes))
	tell("capacity_bytes", "How much the spool holds. With less than a quarter of it left, this process makes no more calls.", float64(use.Capacity))
	if !use.Oldest.IsZero() {
		tell("oldest_timestamp_seconds", "When the oldest of these answers came, in Unix time; there only while there are any.", seconds(use.Oldest))
	}
}
