package tracetest

import (
	"strconv"

	common "go.opentelemetry.io/proto/otlp/common/v1"
)

// value writes a value as text; of lists and maps there are none.
func value(v *common.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return v.StringValue
	case *common.AnyValue_IntValue:
		return strconv.FormatInt(v.IntValue, 10)
	default:
		return "?"
	}
}
