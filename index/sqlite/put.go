package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"path"
	"strings"
	"time"

	"github.com/loopitr/loopitr"
)

// change runs one transaction that alters the index.
func (x *Index) change(ctx context.Context, do func(*sql.Tx) error) error {
	if x.config.ReadOnly {
		return fmt.Errorf("it is open for reading only: %w", loopitr.ErrUnavailable)
	}
	tx, err := x.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// edit is one transaction on the items of the index's generation.
type edit struct {
	ctx      context.Context
	tx       *sql.Tx
	gen      generation
	tokens   Tokens
	orphaned map[int64]bool // contents that may have lost their last item
	prepared map[string]*sql.Stmt
}

// edit runs do and then drops the contents that no item has any more.
func (x *Index) edit(ctx context.Context, operation string, do func(*edit) error) error {
	leave, err := x.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	err = x.change(ctx, func(tx *sql.Tx) error {
		g, err := x.current(ctx, tx)
		if err != nil {
			return err
		}
		e := &edit{ctx: ctx, tx: tx, gen: g, tokens: x.config.Tokens, orphaned: map[int64]bool{}, prepared: map[string]*sql.Stmt{}}
		if err := do(e); err != nil {
			return err
		}
		return e.finish()
	})
	return x.wrap(operation, err)
}

// statement prepares each statement once a transaction.
func (e *edit) statement(text string) (*sql.Stmt, error) {
	if s, ok := e.prepared[text]; ok {
		return s, nil
	}
	s, err := e.tx.PrepareContext(e.ctx, e.gen.sql(text))
	if err == nil {
		e.prepared[text] = s
	}
	return s, err
}

func (e *edit) exec(text string, args ...any) (sql.Result, error) {
	s, err := e.statement(text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(e.ctx, args...)
}

// row returns false when there is none.
func (e *edit) row(text string, arg any, into ...any) (bool, error) {
	s, err := e.statement(text)
	if err != nil {
		return false, err
	}
	err = s.QueryRowContext(e.ctx, arg).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (e *edit) finish() error {
	dropped := false
	for content := range e.orphaned {
		gone, err := e.exec("DELETE FROM contents_$g WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM items_$g WHERE content = ?1)", content)
		if err != nil {
			return err
		}
		n, err := gone.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		dropped = true
		for _, text := range []string{"DELETE FROM tokens_$g WHERE content = ?", "INSERT INTO dropped_$g (content) VALUES (?)"} {
			if _, err := e.exec(text, content); err != nil {
				return err
			}
		}
	}
	if dropped {
		if err := e.compact(); err != nil {
			return err
		}
	}
	if err := e.pack(); err != nil {
		return err
	}
	_, err := e.tx.ExecContext(e.ctx, "UPDATE generations SET dimensions = ?, changes = changes + 1, epoch = ? WHERE id = ?",
		e.gen.dimensions, e.gen.epoch, e.gen.id)
	return err
}

// Put inserts entries or replaces what their paths held.
func (x *Index) Put(ctx context.Context, entries []loopitr.Entry) error {
	return x.edit(ctx, "put into index", func(e *edit) error {
		for i := range entries { // first what brings its encoding: others may refer to it
			if entries[i].Vector != nil {
				if err := e.putContent(&entries[i]); err != nil {
					return fmt.Errorf("item %q: %w", entries[i].Path, err)
				}
			}
		}
		for i := range entries {
			if err := e.putItem(entries[i].Item); err != nil {
				return fmt.Errorf("item %q: %w", entries[i].Path, err)
			}
		}
		return nil
	})
}

func (e *edit) putContent(entry *loopitr.Entry) error {
	if err := checkUnit(entry.Vector); err != nil {
		return err
	}
	if e.gen.dimensions == 0 {
		e.gen.dimensions = len(entry.Vector)
	}
	if e.gen.dimensions != len(entry.Vector) {
		return fmt.Errorf("vector of %d dimensions, the index holds %d: %w", len(entry.Vector), e.gen.dimensions, loopitr.ErrInvalid)
	}
	var content int64
	known, err := e.row("SELECT id FROM contents_$g WHERE hash = ?", entry.Hash[:], &content)
	if err != nil {
		return err
	}
	if !known {
		added, err := e.exec("INSERT INTO contents_$g (hash, vector) VALUES (?, ?)", entry.Hash[:], encodeVector(entry.Vector))
		if err != nil {
			return err
		}
		if content, err = added.LastInsertId(); err != nil {
			return err
		}
	}
	return e.putTokens(content, entry.States)
}

func (e *edit) putTokens(content int64, s loopitr.States) error {
	if e.tokens == NoTokens || s.Count == 0 {
		return nil
	}
	if s.Count < 0 || s.Width <= 0 || len(s.Values) != s.Count*s.Width || len(s.Values) > maxTokenValues {
		return fmt.Errorf("image tokens of %d x %d with %d values: %w", s.Count, s.Width, len(s.Values), loopitr.ErrInvalid)
	}
	for _, v := range s.Values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("image tokens hold %v: %w", v, loopitr.ErrInvalid)
		}
	}
	_, err := e.exec("INSERT OR REPLACE INTO tokens_$g (content, states) VALUES (?, ?)", content, encodeTokens(e.tokens, s))
	return err
}

func (e *edit) putItem(i loopitr.Item) error {
	if err := checkItem(i); err != nil {
		return err
	}
	var content int64
	known, err := e.row("SELECT id FROM contents_$g WHERE hash = ?", i.Hash[:], &content)
	if err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("no encoding given and none stored for its content: %w", loopitr.ErrNotFound)
	}
	if err := e.orphan(i.Path); err != nil {
		return err
	}
	f := i.Facts
	var taken, latitude, longitude any
	if t := f.Taken.Truncate(time.Millisecond); !t.IsZero() {
		taken = t.UnixMilli()
	}
	if f.Place != nil {
		latitude, longitude = f.Place.Latitude, f.Place.Longitude
	}
	_, err = e.exec(`INSERT OR REPLACE INTO items_$g
		(path, content, hash, bytes, modified, width, height, format, camera, taken, latitude, longitude)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		i.Path, content, i.Hash[:], i.Size, i.Modified.UnixMicro(),
		f.Width, f.Height, f.Format, f.Camera, taken, latitude, longitude)
	return err
}

// orphan remembers the content that path is about to lose.
func (e *edit) orphan(path string) error {
	var content int64
	known, err := e.row("SELECT content FROM items_$g WHERE path = ?", path, &content)
	if known {
		e.orphaned[content] = true
	}
	return err
}

func checkItem(i loopitr.Item) error {
	if i.Path == "" || i.Path == "." || path.Clean(i.Path) != i.Path || path.IsAbs(i.Path) ||
		i.Path == ".." || strings.HasPrefix(i.Path, "../") || strings.ContainsRune(i.Path, 0) {
		return fmt.Errorf("path %q is not relative to the indexed folder: %w", i.Path, loopitr.ErrInvalid)
	}
	if p := i.Facts.Place; p != nil && !(math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180) {
		return fmt.Errorf("place %v, %v is not on earth: %w", p.Latitude, p.Longitude, loopitr.ErrInvalid)
	}
	return nil
}

// Delete removes items and returns how many of the paths were there.
func (x *Index) Delete(ctx context.Context, paths []string) (int, error) {
	deleted := 0
	err := x.edit(ctx, "delete from index", func(e *edit) error {
		for _, p := range paths {
			n, err := e.deleteItem(p)
			if err != nil {
				return fmt.Errorf("item %q: %w", p, err)
			}
			deleted += n
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}

func (e *edit) deleteItem(path string) (int, error) {
	if err := e.orphan(path); err != nil {
		return 0, err
	}
	gone, err := e.exec("DELETE FROM items_$g WHERE path = ?", path)
	if err != nil {
		return 0, err
	}
	n, err := gone.RowsAffected()
	return int(n), err
}

// Move renames items, in order, and replaces what the new paths held.
func (x *Index) Move(ctx context.Context, moves []loopitr.Move) error {
	return x.edit(ctx, "move in index", func(e *edit) error {
		for _, m := range moves {
			if err := e.moveItem(m); err != nil {
				return fmt.Errorf("item %q to %q: %w", m.From, m.To.Path, err)
			}
		}
		return nil
	})
}

func (e *edit) moveItem(m loopitr.Move) error {
	var stored []byte
	known, err := e.row("SELECT hash FROM items_$g WHERE path = ?", m.From, &stored)
	switch {
	case err != nil:
		return err
	case !known:
		return fmt.Errorf("it is not there: %w", loopitr.ErrNotFound)
	case string(stored) != string(m.To.Hash[:]):
		return fmt.Errorf("its content is another: %w", loopitr.ErrInvalid)
	}
	if _, err := e.deleteItem(m.From); err != nil {
		return err
	}
	return e.putItem(m.To)
}
