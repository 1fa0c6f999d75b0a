package store

import (
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"
)

// deliveryPage is how many rows go from hand to hand together. Some four pages
// are held at a time.
const deliveryPage = 256

// errNobody tells a reader that nobody takes its rows any more.
var errNobody = errors.New("deliver rows: nobody takes them")

// Deliver gives away the rows that read hands to its argument, in their order,
// opened: they are read, opened and yielded side by side. Where rows are not
// keepRaw, they come without the answer as it was received. What stops it is
// returned: the error of yield before that of opening or of read. Read gets an
// error then, which it is to return.
func (s *Sealer) Deliver(read func(give func(r *StoredRow, keepRaw bool) error) error, yield func(Row) error) error {
	d := &delivery{sealer: s, stored: make(chan []storedRow, 1), opened: make(chan []Row, 1), over: make(chan struct{})}
	defer d.end() // should yield panic
	var g errgroup.Group
	g.Go(func() error {
		defer close(d.stored)
		err := read(d.give)
		if err == nil {
			err = d.pass()
		}
		if errors.Is(err, errNobody) {
			return nil
		}
		return err
	})
	g.Go(func() error {
		defer close(d.opened)
		return d.open()
	})
	if err := d.yield(yield); err != nil {
		d.end()
		_ = g.Wait()
		return err
	}
	return g.Wait()
}

type storedRow struct {
	StoredRow
	keepRaw bool
}

// delivery is rows on their way out.
type delivery struct {
	sealer *Sealer
	page   []storedRow // the reader's
	stored chan []storedRow
	opened chan []Row
	once   sync.Once
	over   chan struct{} // closed once nobody takes rows
}

func (d *delivery) end() { d.once.Do(func() { close(d.over) }) }

func (d *delivery) give(r *StoredRow, keepRaw bool) error {
	if d.page == nil {
		d.page = make([]storedRow, 0, deliveryPage)
	}
	if d.page = append(d.page, storedRow{*r, keepRaw}); len(d.page) < deliveryPage {
		return nil
	}
	return d.pass()
}

func (d *delivery) pass() error {
	page := d.page
	d.page = nil
	select {
	case d.stored <- page:
		return nil
	case <-d.over:
		return errNobody
	}
}

func (d *delivery) open() error {
	for page := range d.stored {
		rows := make([]Row, len(page))
		for i := range page {
			var err error
			if rows[i], err = d.sealer.OpenRow(&page[i].StoredRow, page[i].keepRaw); err != nil {
				d.end()
				return err
			}
		}
		select {
		case d.opened <- rows:
		case <-d.over:
			return nil
		}
	}
	return nil
}

func (d *delivery) yield(yield func(Row) error) error {
	for rows := range d.opened {
		for _, r := range rows {
			if err := yield(r); err != nil {
				return err
			}
		}
	}
	return nil
}
