package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
)

// plate invents the i-th plate; there are some 67 million.
func plate(i int) string {
	letters := i / 10_000
	return fmt.Sprintf("DL%02d%c%c%04d", 1+letters/(26*26)%99, 'A'+letters/26%26, 'A'+letters%26, i%10_000)
}

// writeList writes a CSV file of n plates.
func writeList(path string, from, n int) error {
	f, err := os.Create(path) //nolint:gosec // a file of our own
	if err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	w := bufio.NewWriter(f)
	_, _ = w.WriteString("plate\n") // the first error is kept
	for i := range n {
		_, _ = w.WriteString(plate(from+i) + "\n")
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	return nil
}

// readList hands over the plates of a CSV file, numbered from 0.
func readList(path string, each func(seq int, plate string) error) error {
	f, err := os.Open(path) //nolint:gosec // a file of our own
	if err != nil {
		return fmt.Errorf("read list: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	r := csv.NewReader(bufio.NewReader(f))
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		return fmt.Errorf("read list: %w", err)
	}
	for seq := 0; ; seq++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read list: %w", err)
		}
		if err := each(seq, row[0]); err != nil {
			return err
		}
	}
}

// writeResults writes plates and answers as CSV that is synced to the disk.
func writeResults(path string, each func(do func(row []string) error) error) error {
	f, err := os.Create(path) //nolint:gosec // a file of our own
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	w := csv.NewWriter(f)
	err = w.Write([]string{"plate", "at", "answer"})
	if err == nil {
		err = each(w.Write)
	}
	w.Flush()
	if err := errors.Join(err, w.Error(), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// checkResults wants a header and so many rows. Answers hold no line ends.
func checkResults(path string, rows int) error {
	f, err := os.Open(path) //nolint:gosec // a file of our own
	if err != nil {
		return fmt.Errorf("read results: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	got, part := 0, make([]byte, 1<<20)
	for {
		n, err := f.Read(part)
		got += bytes.Count(part[:n], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read results: %w", err)
		}
	}
	if got != rows+1 {
		return fmt.Errorf("read results: %d lines of %d rows", got, rows)
	}
	return nil
}
