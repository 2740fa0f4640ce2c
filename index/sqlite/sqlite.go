// Package sqlite keeps an index of pictures in one SQLite file: items, their
// vectors and, if wanted, their image tokens. Searching is exact: all vectors are
// scanned as int8 in memory and the ones that could be among the nearest are
// scored again as float32.
//
// It does not walk folders, encode pictures or judge matches; package search
// does. Start with Open, then read schema.go for what is stored and nearest.go
// for how one search runs.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/loopitr/loopitr"
)

// Tokens says how an index keeps image tokens.
type Tokens int

const (
	// NoTokens keeps none: re-ranking encodes the candidates' pictures again.
	NoTokens Tokens = iota
	// Int8Tokens keeps one byte a value and one scale a token.
	Int8Tokens
	// Float16Tokens keeps two bytes a value.
	Float16Tokens
)

// Config says how to open an index.
type Config struct {
	// Fingerprint is the model's whose encodings the index holds or is to hold.
	// It may be empty only with ReadOnly: then any model's index is opened.
	Fingerprint string
	// Model is a remark stored with the index, such as the model's folder. Empty
	// leaves the one that is stored.
	Model string
	// Tokens is what Put does with image tokens from now on.
	Tokens Tokens
	// ReadOnly never changes the file and needs no right to.
	ReadOnly bool
	// Rebuild accepts an index of another model: what is put goes beside the old
	// content, which stays in use until Publish. Interrupted, it goes on where
	// it stopped.
	Rebuild bool
}

// Validate names the field that cannot work.
func (c Config) Validate() error {
	switch {
	case c.Fingerprint == "" && !c.ReadOnly:
		return fmt.Errorf("sqlite config: fingerprint is empty: %w", loopitr.ErrInvalid)
	case c.Tokens < NoTokens || c.Tokens > Float16Tokens:
		return fmt.Errorf("sqlite config: tokens %d is unknown: %w", c.Tokens, loopitr.ErrInvalid)
	case c.ReadOnly && c.Rebuild:
		return fmt.Errorf("sqlite config: read only and rebuild exclude each other: %w", loopitr.ErrInvalid)
	}
	return nil
}

// ErrOtherModel is what Open refuses without Config.Rebuild.
var ErrOtherModel = errors.New("it was made by another model")

// Index is one open index file.
type Index struct {
	path   string
	config Config

	read, write *sql.DB // write has one connection and is nil when read only
	gen         generation

	// closing is held for reading by every call and for writing by Close.
	closing sync.RWMutex
	closed  bool

	syncing sync.Mutex // one goroutine loads vectors
	loaded  block      // guarded by syncing
}

var _ loopitr.Index = (*Index)(nil)

// Open opens the index file at path. Unless ReadOnly is set, a missing file and
// its folder are made. It wraps ErrNotFound when there is no index to read,
// ErrInvalid when the file is something else, of a newer version or of another
// model, ErrCorrupt when it is damaged, ErrUnavailable when it cannot be read or
// written now.
func Open(ctx context.Context, path string, c Config) (*Index, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	for started := time.Now(); ; {
		x := &Index{path: path, config: c}
		err := x.open(ctx)
		if err == nil {
			return x, nil
		}
		x.closePools()
		if primaryCode(err) != codeBusy || time.Since(started) > busy || wait(ctx, busyPause) != nil {
			return nil, x.wrap("open index", err)
		}
	}
}

// SQLite waits for locks by itself (pool.go), but not where a new file changes to
// a write-ahead log while another process opens it.
const busy, busyPause = 10 * time.Second, 20 * time.Millisecond

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (x *Index) open(ctx context.Context) error {
	exists, err := probe(x.path)
	if err != nil {
		return err
	}
	if x.config.ReadOnly {
		if !exists {
			return fmt.Errorf("there is no index: %w", loopitr.ErrNotFound)
		}
		if x.read, err = openReadOnly(ctx, x.path); err != nil {
			return err
		}
	} else {
		if err := os.MkdirAll(filepath.Dir(x.path), 0o755); err != nil {
			return fmt.Errorf("%w: %w", err, loopitr.ErrUnavailable)
		}
		if !exists {
			if err := create(ctx, x.path); err != nil {
				return err
			}
		}
		x.write = openPool(x.path, forWriting)
		x.read = openPool(x.path, forReading)
	}
	return x.choose(ctx)
}

// choose verifies the schema and picks the generation to work on.
func (x *Index) choose(ctx context.Context) error {
	all, err := x.committed(ctx)
	if err != nil {
		return err
	}
	for _, g := range all {
		if g.active && (x.config.Fingerprint == "" || g.fingerprint == x.config.Fingerprint) {
			x.gen = g
			return x.remark(ctx)
		}
		if g.active && !x.config.Rebuild {
			return fmt.Errorf("%w: by %s, not by %s: use that model or rebuild the index: %w",
				ErrOtherModel, short(g.fingerprint), short(x.config.Fingerprint), loopitr.ErrInvalid)
		}
	}
	if x.config.ReadOnly {
		return fmt.Errorf("it holds nothing yet: %w", loopitr.ErrNotFound)
	}
	if x.gen, err = x.begin(ctx); err != nil {
		return err
	}
	return x.remark(ctx)
}

// committed reads the generations as of one commit: another process may be adding
// one.
func (x *Index) committed(ctx context.Context) ([]generation, error) {
	tx, err := x.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	return generations(ctx, tx)
}

// remark stores another remark than the one there is.
func (x *Index) remark(ctx context.Context) error {
	if x.config.ReadOnly || x.config.Model == "" || x.config.Model == x.gen.model {
		return nil
	}
	x.gen.model = x.config.Model
	return x.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE generations SET model = ? WHERE id = ?", x.gen.model, x.gen.id)
		return err
	})
}

// short keeps error messages readable: fingerprints are long digests.
func short(fingerprint string) string {
	if r := []rune(fingerprint); len(r) > 16 {
		fingerprint = string(r[:16])
	}
	return fmt.Sprintf("%q", fingerprint)
}

// Fingerprint returns the fingerprint of the model whose encodings are held.
func (x *Index) Fingerprint() string { return x.gen.fingerprint }

// Model returns the remark stored with the index.
func (x *Index) Model() string { return x.gen.model }

// Close waits for running calls and releases the file.
func (x *Index) Close() error {
	x.closing.Lock()
	defer x.closing.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	return x.closePools()
}

func (x *Index) closePools() error {
	var errs []error
	for _, pool := range []*sql.DB{x.read, x.write} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}

// enter begins a call; the returned function ends it.
func (x *Index) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	x.closing.RLock()
	if x.closed {
		x.closing.RUnlock()
		return nil, fmt.Errorf("index %q: it is closed: %w", x.path, loopitr.ErrUnavailable)
	}
	return x.closing.RUnlock, nil
}
