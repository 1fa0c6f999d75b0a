//go:build chaos

package chaos_test

import "time"

func redisEmptied(t *trial) {
	w := t.begin(ground{})
	c := w.redis.Client()
	for _, share := range []float64{0.2, 0.5, 0.8} {
		w.part(share)
		if err := c.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		w.mended = time.Now()
	}
	w.account()
	w.nothingUnknown()
}
