package store

import (
	"encoding/binary"
	"time"
)

// spoolMark is the word in a frame that says what became of its settlement: 0 nothing
// yet, frameApplied, or how often the store has refused it and since when. It is
// outside the checksum, as it is overwritten in place.
type spoolMark uint32

const (
	frameApplied spoolMark = 0x0a991ed0
	// markTries is how many bits count refusals: the others are the minute of the
	// first one. frameApplied has none of them set, so that it is never a count.
	markTries = 3
	mostTries = 1<<markTries - 1
)

// refusedSince is the mark of what was refused so often since then. The minute is
// the next one, so that nothing is set aside too soon.
func refusedSince(tries int, since time.Time) spoolMark {
	minute := (since.Unix() + 59) / 60
	return spoolMark(minute<<markTries) | spoolMark(min(tries, mostTries)) //nolint:gosec // both fit for a thousand years
}

// refusals is how often what has that mark was refused, and since when.
func (m spoolMark) refusals() (tries int, since time.Time) {
	if tries = int(m & mostTries); tries > 0 {
		since = time.Unix(int64(m>>markTries)*60, 0).UTC()
	}
	return tries, since
}

// markFrame notes in a file what became of a frame of it.
func markFrame(to spoolFile, frame spoolFrame, m spoolMark) error {
	_, err := to.WriteAt(binary.BigEndian.AppendUint32(nil, uint32(m)), frame.at+int64(len(generation{})))
	return err
}
