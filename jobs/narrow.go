package jobs

import "github.com/plateq/plateq/store"

// After an ask was found that alone made a provider refuse a call of many, the
// next call of its chunk takes firstStride asks, and each one that is not
// refused makes the next one so many times as large: others to blame are
// often near, and cost little to find in a small call.
const (
	firstStride = 4
	strideGrows = 4
)

// narrow returns the bound of a chunk's next calls after one of n asks under
// the bound was, which the provider took, or refused as a whole over its
// input. One ask to blame among n costs at most 2·log2(n)+2 calls until it
// stands alone and all others are answered: what is known of the suspects is
// never asked for again.
func narrow(bound store.Part, n, maxBatch int, refused bool) store.Part {
	suspects := bound.Suspects()
	switch {
	case refused && n > 1:
		return store.Suspects(n)
	case bound == 0:
		return 0
	case refused:
		return widen(firstStride, maxBatch)
	case suspects > n:
		return store.Suspects(suspects - n)
	case suspects > 0:
		return store.NoBound // each half was taken: nobody was to blame alone
	case n < bound.Limit():
		return 0
	default:
		return widen(strideGrows*n, maxBatch)
	}
}

func widen(n, maxBatch int) store.Part {
	if n >= maxBatch {
		return store.NoBound
	}
	return store.Part(n)
}
