package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"syscall"
	"time"
)

// The file is a page with the generation's name and the owner, the same page
// again, and frames. Each frame begins with that name, so that what an earlier generation
// left behind is not taken for a frame, and the next frame is found where one
// is damaged. A frame is overwritten by a later generation only.
const (
	spoolName   = "spool"
	spoolPage   = 4096
	spoolFrames = 2 * spoolPage
	spoolMagic  = "plateq spool 2\n\x00"
	frameHead   = 8 + 4 + 4 + 4 // generation, mark, length, checksum
)

// generation names one filling of the file, at random.
type generation [8]byte

// spoolOwner is the store whose answers a file holds.
type spoolOwner [16]byte

func ownerOf(id string) spoolOwner {
	sum := sha256.Sum256([]byte(id))
	return spoolOwner(sum[:16])
}

// spoolState is what a file holds.
type spoolState struct {
	gen     generation
	end     int64 // where the next frame goes
	live    []spoolFrame
	damaged int
	torn    bool
}

// kept counts the records that were not applied, read or not.
func (s *spoolState) kept() int { return len(s.live) + s.damaged }

type spoolFrame struct {
	at, length int64
	call       CallID    // 0: it is of a ticket
	since      time.Time // when it came; zero: not known
	tries      int       // in which it was refused
	refused    time.Time // when the first of them was
	told       bool      // of that, by this process
}

var spoolSums = crc32.MakeTable(crc32.Castagnoli)

// writeBlank writes an empty spool.
func writeBlank(f spoolFile, gen generation, owner spoolOwner, size int64) error {
	head := spoolHead(gen, owner)
	_, err := f.WriteAt(append(head, head...), 0)
	blank := make([]byte, 1<<16)
	for at := int64(spoolFrames); at < size && err == nil; at += int64(len(blank)) {
		_, err = f.WriteAt(blank[:min(int64(len(blank)), size-at)], at)
	}
	return errors.Join(err, f.Sync())
}

// full names what a full disk is to everyone.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return errors.Join(ErrFull, err)
	}
	return err
}

func newGeneration() (g generation) {
	copy(g[:], random(len(g)))
	return g
}

// spoolHead is the page that names generation and owner.
func spoolHead(g generation, owner spoolOwner) []byte {
	page := append([]byte(spoolMagic), g[:]...)
	page = append(page, owner[:]...)
	page = binary.BigEndian.AppendUint32(page, crc32.Checksum(page, spoolSums))
	return append(page, make([]byte, spoolPage-len(page))...)
}

func readSpoolHead(page []byte) (g generation, owner spoolOwner, ok bool) {
	const ownerAt = len(spoolMagic) + len(g)
	const sumAt = ownerAt + len(owner)
	copy(g[:], page[len(spoolMagic):])
	copy(owner[:], page[ownerAt:])
	sum := binary.BigEndian.Uint32(page[sumAt:])
	return g, owner, string(page[:len(spoolMagic)]) == spoolMagic && sum == crc32.Checksum(page[:sumAt], spoolSums)
}

// appendFrame frames a sealed settlement.
func appendFrame(b []byte, g generation, sealed []byte) []byte {
	b = append(b, g[:]...)
	b = binary.BigEndian.AppendUint32(b, 0)
	at := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(len(sealed))) //nolint:gosec // a settlement is far below
	sum := crc32.Update(crc32.Checksum(b[at:], spoolSums), spoolSums, sealed)
	b = binary.BigEndian.AppendUint32(b, sum)
	return append(b, sealed...)
}

// readSpool finds the frames of the file's generation. A frame that cannot be
// read is damaged if a good one comes after it, else torn.
func readSpool(whole []byte) (s spoolState, owner spoolOwner, err error) {
	if len(whole) < spoolFrames {
		return s, owner, errors.New("it is no spool, or was cut")
	}
	gen, owner, ok := readSpoolHead(whole)
	if !ok {
		gen, owner, ok = readSpoolHead(whole[spoolPage:])
	}
	if !ok {
		return s, owner, errors.New("it is no spool, or its beginning is damaged: move the file away to go on without it")
	}
	s = spoolState{gen: gen, end: spoolFrames}
	unread := 0
	for at := s.end; ; {
		next := bytes.Index(whole[at:], gen[:])
		if next < 0 {
			break
		}
		at += int64(next)
		length, mark, ok := readFrame(whole[at:])
		if !ok {
			unread++
			at += int64(len(gen))
			continue
		}
		if mark != frameApplied {
			tries, since := mark.refusals()
			s.live = append(s.live, spoolFrame{at: at, length: length, tries: tries, refused: since})
		}
		s.damaged, unread = s.damaged+unread, 0
		at += frameHead + length
		s.end = at
	}
	s.torn = unread > 0
	return s, owner, nil
}

// readFrame checks the frame at the beginning of b.
func readFrame(b []byte) (length int64, mark spoolMark, ok bool) {
	if len(b) < frameHead {
		return 0, 0, false
	}
	mark, length = spoolMark(binary.BigEndian.Uint32(b[8:])), int64(binary.BigEndian.Uint32(b[12:]))
	if length > int64(len(b)-frameHead) {
		return 0, 0, false
	}
	sum := crc32.Checksum(b[12:16], spoolSums)
	sum = crc32.Update(sum, spoolSums, b[frameHead:frameHead+length])
	return length, mark, sum == binary.BigEndian.Uint32(b[16:])
}
