package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/loopitr/loopitr"
)

const (
	applicationID = 0x4c4f4f50 // "LOOP"
	schemaVersion = 1
)

// A generation is what one model made of the pictures. One is active; another may
// be under construction beside it. changes counts committed changes of content
// and removed those that dropped contents: loaded vectors are valid as long as
// both stand still.
const generationsTable = `CREATE TABLE generations (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	fingerprint TEXT NOT NULL,
	model TEXT NOT NULL,
	dimensions INTEGER NOT NULL,
	active INTEGER NOT NULL,
	changes INTEGER NOT NULL,
	epoch INTEGER NOT NULL
) STRICT`

// generationTables are made for each generation; %d is its id. A content is a
// file's bytes, stored once however many items have them; its row never changes
// and its id is never used again. A segment holds the int8 form of the contents
// first..last, for opening fast; those in no segment are the tail. dropped lists
// contents that are gone but may still be in a segment or in someone's memory.
// taken is in milliseconds, modified in microseconds since 1970.
var generationTables = map[string]string{
	"contents_%d": `CREATE TABLE contents_%d (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	hash BLOB NOT NULL UNIQUE,
	vector BLOB NOT NULL
) STRICT`,
	"segments_%d": `CREATE TABLE segments_%d (
	first INTEGER PRIMARY KEY,
	last INTEGER NOT NULL,
	count INTEGER NOT NULL,
	vectors BLOB NOT NULL
) STRICT`,
	"dropped_%d": `CREATE TABLE dropped_%d (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	content INTEGER NOT NULL
) STRICT`,
	"tokens_%d": `CREATE TABLE tokens_%d (
	content INTEGER PRIMARY KEY,
	states BLOB NOT NULL
) STRICT`,
	"items_%d": `CREATE TABLE items_%d (
	path TEXT PRIMARY KEY,
	content INTEGER NOT NULL,
	hash BLOB NOT NULL,
	bytes INTEGER NOT NULL,
	modified INTEGER NOT NULL,
	width INTEGER NOT NULL,
	height INTEGER NOT NULL,
	format TEXT NOT NULL,
	camera TEXT NOT NULL,
	taken INTEGER,
	latitude REAL,
	longitude REAL
) STRICT, WITHOUT ROWID`,
	"items_%d_content": `CREATE INDEX items_%d_content ON items_%d (content)`,
}

// creationOrder puts the table before its index.
var creationOrder = []string{"contents_%d", "segments_%d", "dropped_%d", "tokens_%d", "items_%d", "items_%d_content"}

type generation struct {
	id             int64
	fingerprint    string
	model          string
	dimensions     int
	active         bool
	changes, epoch int64
}

// sql puts the generation's number into a statement wherever it says $g.
func (g generation) sql(statement string) string {
	return strings.ReplaceAll(statement, "$g", fmt.Sprint(g.id))
}

// queryer is what reads: a pool or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// create makes an empty index in one transaction: a kill leaves either no index
// or a whole one. The journal mode changes later, so that the file's header
// always says what the file is.
func create(ctx context.Context, path string) error {
	pool := openPool(path, forMaking)
	defer pool.Close()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var objects int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&objects); err != nil {
		return err
	}
	if objects > 0 { // another process was faster, or the file was not ours after all
		return nil
	}
	for _, statement := range []string{
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		fmt.Sprintf("PRAGMA user_version = %d", schemaVersion),
		generationsTable,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// generations reads the table of generations after verifying that the schema is
// ours to the letter: a stranger's file could hold views and triggers.
func generations(ctx context.Context, q queryer) ([]generation, error) {
	objects, err := schemaObjects(ctx, q)
	if err != nil {
		return nil, err
	}
	if objects["generations"] != generationsTable {
		return nil, fmt.Errorf("it is a database but not a loopitr index: %w", loopitr.ErrInvalid)
	}
	all, err := scanGenerations(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, g := range all {
		for name, statement := range generationTables {
			name = strings.ReplaceAll(name, "%d", fmt.Sprint(g.id))
			if objects[name] != strings.ReplaceAll(statement, "%d", fmt.Sprint(g.id)) {
				return nil, fmt.Errorf("table %q is missing or changed: %w", name, loopitr.ErrCorrupt)
			}
		}
		if g.dimensions < 0 || g.dimensions > maxDimensions {
			return nil, fmt.Errorf("its vectors have %d dimensions: %w", g.dimensions, loopitr.ErrCorrupt)
		}
	}
	return all, nil
}

func scanGenerations(ctx context.Context, q queryer) ([]generation, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, fingerprint, model, dimensions, active, changes, epoch FROM generations ORDER BY active DESC, id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []generation
	for rows.Next() {
		var g generation
		if err := rows.Scan(&g.id, &g.fingerprint, &g.model, &g.dimensions, &g.active, &g.changes, &g.epoch); err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, rows.Err()
}

func schemaObjects(ctx context.Context, q queryer) (map[string]string, error) {
	rows, err := q.QueryContext(ctx, "SELECT type, name, coalesce(sql, '') FROM sqlite_master")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	objects := map[string]string{}
	for rows.Next() {
		var kind, name, statement string
		if err := rows.Scan(&kind, &name, &statement); err != nil {
			return nil, err
		}
		if kind != "table" && kind != "index" {
			return nil, fmt.Errorf("it holds the %s %q, which no loopitr index does: %w", kind, name, loopitr.ErrInvalid)
		}
		objects[name] = statement
	}
	return objects, rows.Err()
}

// begin returns the generation of the configured model, making it when it is
// missing. The first one of a file is active at once; a later one waits for
// Publish, and whatever else was waiting is dropped.
func (x *Index) begin(ctx context.Context) (generation, error) {
	var chosen generation
	err := x.change(ctx, func(tx *sql.Tx) error {
		all, err := generations(ctx, tx)
		if err != nil {
			return err
		}
		for _, g := range all {
			if g.fingerprint == x.config.Fingerprint {
				chosen = g
				return nil
			}
			if !g.active {
				if err := dropGeneration(ctx, tx, g); err != nil {
					return err
				}
			}
		}
		chosen, err = addGeneration(ctx, tx, x.config, len(all) == 0 || !all[0].active)
		return err
	})
	return chosen, err
}

func addGeneration(ctx context.Context, tx *sql.Tx, c Config, active bool) (generation, error) {
	g := generation{fingerprint: c.Fingerprint, model: c.Model, active: active}
	added, err := tx.ExecContext(ctx,
		"INSERT INTO generations (fingerprint, model, dimensions, active, changes, epoch) VALUES (?, ?, 0, ?, 0, 0)",
		c.Fingerprint, c.Model, active)
	if err != nil {
		return g, err
	}
	if g.id, err = added.LastInsertId(); err != nil {
		return g, err
	}
	for _, name := range creationOrder {
		statement := strings.ReplaceAll(generationTables[name], "%d", fmt.Sprint(g.id))
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return g, err
		}
	}
	return g, nil
}

func dropGeneration(ctx context.Context, tx *sql.Tx, g generation) error {
	for _, table := range []string{"items_$g", "tokens_$g", "dropped_$g", "segments_$g", "contents_$g"} {
		if _, err := tx.ExecContext(ctx, g.sql("DROP TABLE "+table)); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM generations WHERE id = ?", g.id)
	return err
}

// current reads the generation's row as of this transaction.
func (x *Index) current(ctx context.Context, q queryer) (generation, error) {
	g := x.gen
	err := q.QueryRowContext(ctx, "SELECT dimensions, active, changes, epoch FROM generations WHERE id = ?", g.id).
		Scan(&g.dimensions, &g.active, &g.changes, &g.epoch)
	if errors.Is(err, sql.ErrNoRows) {
		return g, fmt.Errorf("it was built again for another model: open it again: %w", loopitr.ErrUnavailable)
	}
	return g, err
}

// Publish makes a rebuilt generation the active one and drops all others.
func (x *Index) Publish(ctx context.Context) error {
	leave, err := x.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	switched := false
	err = x.change(ctx, func(tx *sql.Tx) error {
		g, err := x.current(ctx, tx)
		if err != nil || g.active {
			return err
		}
		all, err := scanGenerations(ctx, tx)
		if err != nil {
			return err
		}
		for _, other := range all {
			if other.id != g.id {
				if err := dropGeneration(ctx, tx, other); err != nil {
					return err
				}
			}
		}
		switched = true
		_, err = tx.ExecContext(ctx, "UPDATE generations SET active = 1 WHERE id = ?", g.id)
		return err
	})
	if err == nil && switched {
		_, err = x.write.ExecContext(ctx, "PRAGMA incremental_vacuum")
	}
	return x.wrap("publish index", err)
}
