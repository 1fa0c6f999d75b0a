package store

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Schema is how the schema of a store stands.
type Schema struct {
	Has   int64 // 0: there is none yet
	Knows int64 // the newest that this version can work with
	// Pending are the migrations that are to be applied, in order.
	Pending []string
}

// Err returns *SchemaError where the store is newer than this version.
func (s Schema) Err() error {
	if s.Has > s.Knows {
		return &SchemaError{Has: s.Has, Knows: s.Knows}
	}
	return nil
}

// NewSchema tells which of the files migrations/NUMBER_NAME.sql are pending in
// a store that has a schema.
func NewSchema(has, knows int64, files fs.FS) (Schema, error) {
	s := Schema{Has: has, Knows: knows}
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return s, fmt.Errorf("list migrations: %w", err)
	}
	for _, name := range names {
		name = strings.TrimSuffix(path.Base(name), ".sql")
		number, _, _ := strings.Cut(name, "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return s, fmt.Errorf("list migrations: %w", err)
		}
		if n > has {
			s.Pending = append(s.Pending, name)
		}
	}
	return s, nil
}
