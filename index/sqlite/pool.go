package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"

	"github.com/loopitr/loopitr"
)

// Connection parameters. The file may come from a stranger: defensive mode, no
// trusted schema and cell checks keep a crafted one from doing more than fail.
//
// synchronous FULL makes every commit survive a power cut, not only a kill: a
// build commits every few seconds, so the fsync costs nothing that is felt.
// auto_vacuum INCREMENTAL gives the space of a dropped generation back.
const (
	guarded    = "_dqs=0&_defensive=1&_busy_timeout=10000&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)"
	forReading = guarded + "&mode=rw&_query_only=1"
	forWriting = guarded + "&mode=rw&_journal_mode=WAL&_synchronous=FULL&_txlock=immediate"
	forMaking  = guarded + "&mode=rwc&_auto_vacuum=INCREMENTAL&_synchronous=FULL&_txlock=immediate"
	unchanging = guarded + "&immutable=1&_query_only=1"
)

// readers bounds the connections that read at the same time; each has its own
// page cache of 2 MB.
const readers = 4

type connector struct {
	driver *sqlite.Driver
	dsn    string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// openPool prepares connections; none is made before the first query.
func openPool(path, parameters string) *sql.DB {
	d := &sqlite.Driver{}
	registerFilters(d)
	pool := sql.OpenDB(connector{d, dsn(path, parameters)})
	limit := readers
	if parameters == forWriting || parameters == forMaking {
		limit = 1
	}
	pool.SetMaxOpenConns(limit)
	pool.SetMaxIdleConns(limit)
	return pool
}

func dsn(path, parameters string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: parameters}).String()
}

// openReadOnly opens a file that may lie in a folder without write permission.
// There the write-ahead log's shared memory cannot be made; when the log is
// empty, the file alone is the whole index and is read as unchanging.
func openReadOnly(ctx context.Context, path string) (*sql.DB, error) {
	pool := openPool(path, forReading)
	var n int
	err := pool.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&n)
	if err == nil {
		return pool, nil
	}
	pool.Close()
	if code := primaryCode(err); code != codeCantOpen && code != codeReadOnly {
		return nil, err
	}
	if log, statErr := os.Stat(path + "-wal"); statErr == nil && log.Size() > 0 {
		return nil, fmt.Errorf("it was not closed and its folder cannot be written: open it once with write permission: %w",
			loopitr.ErrUnavailable)
	}
	return openPool(path, unchanging), nil
}

// The parts of SQLite's file header that tell what a file is
// (sqlite.org/fileformat2.html 1.3).
const (
	magic             = "SQLite format 3\x00"
	headerSize        = 100
	layoutOffset      = 44 // SQLite's format of the tables
	newestLayout      = 4
	versionOffset     = 60
	applicationOffset = 68
	cellsOffset       = 103 // of the table of tables, on the first page
)

// probe looks at a file without changing it. exists is false when there is no
// file or one whose creation was cut off.
func probe(path string) (exists bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w: %w", err, loopitr.ErrUnavailable)
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("it is not a file: %w", loopitr.ErrInvalid)
	}
	// A journal beside the file means that its creation has to be undone first.
	if _, err := os.Stat(path + "-journal"); info.Size() == 0 || err == nil {
		return false, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("%w: %w", err, loopitr.ErrUnavailable)
	}
	defer f.Close()
	header := make([]byte, headerSize+8)
	if n, err := io.ReadFull(f, header); err != nil {
		if strings.HasPrefix(string(header[:n]), magic) {
			return false, fmt.Errorf("it ends within its header: %w", loopitr.ErrCorrupt)
		}
		return false, fmt.Errorf("it is not a loopitr index: %w", loopitr.ErrInvalid)
	}
	application := binary.BigEndian.Uint32(header[applicationOffset:])
	version := binary.BigEndian.Uint32(header[versionOffset:])
	layout := binary.BigEndian.Uint32(header[layoutOffset:])
	switch {
	case string(header[:len(magic)]) != magic:
		return false, fmt.Errorf("it is not a loopitr index: %w", loopitr.ErrInvalid)
	case application == 0 && version == 0 && binary.BigEndian.Uint16(header[cellsOffset:]) == 0:
		return false, nil // a database without a table: _auto_vacuum makes that first
	case application != applicationID:
		return false, fmt.Errorf("it is a database but not a loopitr index: %w", loopitr.ErrInvalid)
	case version > schemaVersion:
		return false, fmt.Errorf("it was written by a newer loopitr (format %d, this one reads up to %d): update loopitr: %w",
			version, schemaVersion, loopitr.ErrInvalid)
	case version == 0:
		return false, fmt.Errorf("its format is 0: %w", loopitr.ErrCorrupt)
	case layout > newestLayout: // SQLite's own error for it has a code for all and nothing
		return false, fmt.Errorf("its tables are in SQLite's format %d, the newest is %d: %w", layout, newestLayout, loopitr.ErrCorrupt)
	}
	return true, nil
}
