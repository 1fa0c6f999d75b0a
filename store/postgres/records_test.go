package postgres_test

import "context"

// Records implements storetest.Told.
func (f *fleet) Records(ctx context.Context, each func(table string, record map[string]any)) error {
	return f.all[0].Records(ctx, each)
}
