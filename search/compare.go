package search

import (
	"context"
	"io/fs"
	"strings"
	"time"

	"github.com/loopitr/loopitr"
)

// listing steps through the items of an index, or of a part of it, in the order of their paths.
type listing struct {
	ctx   context.Context
	index loopitr.Index
	shard Shard
	page  []loopitr.Item
	after string
	ended bool
}

// listed is how many items are held at a time.
const listed = 1000

// peek returns the next item, or false at the end.
func (l *listing) peek() (loopitr.Item, bool, error) {
	for len(l.page) == 0 && !l.ended {
		var err error
		if l.page, err = l.index.Items(l.ctx, l.after, listed); err != nil {
			return loopitr.Item{}, false, err
		}
		l.ended = len(l.page) < listed
		if len(l.page) > 0 {
			l.after = l.page[len(l.page)-1].Path
		}
		l.page = l.shard.own(l.page)
	}
	if len(l.page) == 0 {
		return loopitr.Item{}, false, nil
	}
	return l.page[0], true, nil
}

func (l *listing) next() { l.page = l.page[1:] }

// upTo steps over all items before path and calls passed for each. It returns the
// item at path, or nil.
func (l *listing) upTo(path string, passed func(loopitr.Item) error) (*loopitr.Item, error) {
	for {
		item, more, err := l.peek()
		if err != nil || !more || item.Path > path {
			return nil, err
		}
		l.next()
		if item.Path == path {
			return &item, nil
		}
		if err := passed(item); err != nil {
			return nil, err
		}
	}
}

// within steps over all items of a folder that cannot be read: they stay.
func (l *listing) within(folder string) error {
	for {
		item, more, err := l.peek()
		if err != nil || !more || !strings.HasPrefix(item.Path, folder) {
			return err
		}
		l.next()
	}
}

// compare walks the folder beside the index's listing. Both ascend, so neither is
// ever held whole.
func (b *build) compare(ctx context.Context, toLoad, toCollect chan<- event) error {
	stored := &listing{ctx: ctx, index: b.Index, shard: b.Shard}
	gone := func(loopitr.Item) error { b.gone.Store(true); return nil }
	send := func(to chan<- event, e event) error {
		select {
		case to <- e:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w := b.walker(ctx)
	w.picture = func(path string, stat fs.FileInfo) error {
		item, err := stored.upTo(path, gone)
		if err != nil {
			return err
		}
		e := event{path: path, stat: stat, stored: item != nil}
		if item != nil && unchanged(*item, stat) {
			return send(toCollect, e)
		}
		e.done = make(chan loaded, 1)
		if err := send(toCollect, e); err != nil {
			return err
		}
		if err := send(toLoad, e); err != nil {
			e.done <- loaded{err: err, unread: true}
			return err
		}
		return nil
	}
	w.failed = func(path string, err error) error {
		if _, err := stored.upTo(path, gone); err != nil {
			return err
		}
		if strings.HasSuffix(path, "/") {
			if err := stored.within(path); err != nil {
				return err
			}
		}
		return send(toCollect, event{path: path, err: err})
	}
	if err := w.run(); err != nil {
		return err
	}
	_, more, err := stored.peek()
	if more {
		b.gone.Store(true)
	}
	return err
}

// unchanged compares what stat says with what was stored of the file before its
// bytes were read.
func unchanged(i loopitr.Item, stat fs.FileInfo) bool {
	return i.Size == stat.Size() && i.Modified.Equal(stat.ModTime().Truncate(time.Microsecond))
}

// prune removes the items that no longer have a file. It comes after everything
// is put, so that a moved file finds its encoding, and walks again, because
// remembering what is there would take memory for every picture.
func (b *build) prune(ctx context.Context) error {
	stored := &listing{ctx: ctx, index: b.Index, shard: b.Shard}
	var paths []string
	remove := func() error {
		n, err := b.Index.Delete(ctx, paths)
		b.report.Removed += n
		paths = paths[:0]
		return err
	}
	gone := func(i loopitr.Item) error {
		if paths = append(paths, i.Path); len(paths) == listed {
			return remove()
		}
		return nil
	}
	w := b.walker(ctx)
	w.picture = func(path string, _ fs.FileInfo) error {
		_, err := stored.upTo(path, gone)
		return err
	}
	w.failed = func(path string, _ error) error {
		if _, err := stored.upTo(path, gone); err != nil || !strings.HasSuffix(path, "/") {
			return err
		}
		return stored.within(path)
	}
	if err := w.run(); err != nil {
		return err
	}
	for {
		item, more, err := stored.peek()
		if err != nil {
			return err
		}
		if !more {
			return remove()
		}
		stored.next()
		if err := gone(item); err != nil {
			return err
		}
	}
}
