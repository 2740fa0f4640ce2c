package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/loopitr/loopitr"
)

const itemColumns = "path, hash, bytes, modified, width, height, format, camera, taken, latitude, longitude"

func scanItem(row interface{ Scan(...any) error }, more ...any) (loopitr.Item, error) {
	var (
		i                   loopitr.Item
		hash                []byte
		modified            int64
		taken               sql.NullInt64
		latitude, longitude sql.NullFloat64
	)
	f := &i.Facts
	err := row.Scan(append([]any{&i.Path, &hash, &i.Size, &modified, &f.Width, &f.Height, &f.Format, &f.Camera,
		&taken, &latitude, &longitude}, more...)...)
	if err != nil {
		return i, err
	}
	if copy(i.Hash[:], hash) != len(i.Hash) || len(hash) != len(i.Hash) {
		return i, corrupt("item %q: a hash of %d bytes", i.Path, len(hash))
	}
	if latitude.Valid && longitude.Valid {
		f.Place = &loopitr.Place{Latitude: latitude.Float64, Longitude: longitude.Float64}
	}
	if err := checkItem(i); err != nil { // a crafted path must not lead out of the folder
		return i, corrupt("item: %v", err)
	}
	i.Modified = time.UnixMicro(modified).UTC()
	if taken.Valid {
		f.Taken = time.UnixMilli(taken.Int64).UTC()
	}
	return i, nil
}

func listItems(ctx context.Context, q queryer, query string, args ...any) ([]loopitr.Item, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return collectItems(rows)
}

func collectItems(rows *sql.Rows) ([]loopitr.Item, error) {
	defer rows.Close()
	var items []loopitr.Item
	for rows.Next() {
		i, err := scanItem(rows)
		if err != nil {
			return nil, err
		}
		items = append(items, i)
	}
	return items, rows.Err()
}

// Item returns the item at path and its vector.
func (x *Index) Item(ctx context.Context, path string) (loopitr.Item, loopitr.Vector, error) {
	leave, err := x.enter(ctx)
	if err != nil {
		return loopitr.Item{}, nil, err
	}
	defer leave()
	var blob []byte
	i, err := scanItem(x.read.QueryRowContext(ctx, x.gen.sql(`SELECT path, i.hash, bytes, modified, width, height, format, camera,
		taken, latitude, longitude, vector FROM items_$g i JOIN contents_$g c ON c.id = i.content WHERE path = ?`), path), &blob)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("it is not in the index: %w", loopitr.ErrNotFound)
	}
	var v loopitr.Vector
	if err == nil {
		v = make(loopitr.Vector, max(0, len(blob)-vectorBytes(0))/4)
		err = decodeVector(v, blob)
	}
	if err != nil {
		return loopitr.Item{}, nil, x.wrap(fmt.Sprintf("read item %q of index", path), err)
	}
	return i, v, nil
}

// Items lists at most limit items whose paths sort after the given one.
func (x *Index) Items(ctx context.Context, after string, limit int) ([]loopitr.Item, error) {
	leave, err := x.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	items, err := listItems(ctx, x.read,
		x.gen.sql("SELECT "+itemColumns+" FROM items_$g WHERE path > ? ORDER BY path LIMIT ?"), after, max(limit, 0))
	return items, x.wrap("list items of index", err)
}

const holdersQuery = "SELECT " + itemColumns + ` FROM items_$g
	WHERE content = (SELECT id FROM contents_$g WHERE hash = ?) ORDER BY path`

// Holders lists the items with this content by path.
func (x *Index) Holders(ctx context.Context, hash loopitr.Hash) ([]loopitr.Item, error) {
	leave, err := x.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	items, err := listItems(ctx, x.read, x.gen.sql(holdersQuery), hash[:])
	return items, x.wrap("list items of index", err)
}

// States returns the image tokens of the items at paths, in order.
func (x *Index) States(ctx context.Context, paths []string) ([]loopitr.States, error) {
	leave, err := x.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	all := make([]loopitr.States, len(paths))
	statement, err := x.read.PrepareContext(ctx,
		x.gen.sql("SELECT states FROM tokens_$g WHERE content = (SELECT content FROM items_$g WHERE path = ?)"))
	if err != nil {
		return nil, x.wrap("read image tokens of index", err)
	}
	defer statement.Close()
	for i, p := range paths {
		var blob []byte
		err := statement.QueryRowContext(ctx, p).Scan(&blob)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err == nil {
			all[i], err = decodeTokens(blob)
		}
		if err != nil {
			return nil, x.wrap(fmt.Sprintf("read image tokens of item %q of index", p), err)
		}
	}
	return all, nil
}
