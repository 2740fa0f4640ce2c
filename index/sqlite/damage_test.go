package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/indextest"
	"github.com/loopitr/loopitr/index/sqlite"
)

var forModelA = sqlite.Config{Fingerprint: "model-a", Tokens: sqlite.Int8Tokens}

// indexFile makes a closed index of n pictures.
func indexFile(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := sqlite.Open(t.Context(), path, forModelA)
	if err != nil {
		t.Fatal(err)
	}
	var entries []loopitr.Entry
	for i := range n {
		e := indextest.Entry(fmt.Sprintf("%d.jpg", i), i)
		e.States = loopitr.States{Count: 2, Width: 8, Values: append(indextest.Vector(i, 8), indextest.Vector(i+1, 8)...)}
		entries = append(entries, e)
	}
	if err := x.Put(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// use calls everything that reads and joins the errors.
func use(ctx context.Context, path string, c sqlite.Config) error {
	x, err := sqlite.Open(ctx, path, c)
	if err != nil {
		return err
	}
	defer x.Close()
	var errs []error
	items, err := x.Items(ctx, "", 10_000)
	errs = append(errs, err)
	for _, i := range items {
		_, _, err := x.Item(ctx, i.Path)
		errs = append(errs, err)
		_, err = x.States(ctx, []string{i.Path})
		errs = append(errs, err)
		_, err = x.Holders(ctx, i.Hash)
		errs = append(errs, err)
	}
	_, err = x.Nearest(ctx, loopitr.Lookup{Vector: indextest.Vector(0, 8), Count: 10_000})
	return errors.Join(append(errs, err)...)
}

func TestOpenRefuses(t *testing.T) {
	good := indexFile(t, 3)
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	patched := func(offset int, value uint32) []byte {
		p := bytes.Clone(content)
		binary.BigEndian.PutUint32(p[offset:], value)
		return p
	}
	for name, one := range map[string]struct {
		content []byte
		kind    error
		says    string
	}{
		"text":           {[]byte("these are my holiday notes"), loopitr.ErrInvalid, "not a loopitr index"},
		"long text":      {bytes.Repeat([]byte("notes "), 1000), loopitr.ErrInvalid, "not a loopitr index"},
		"other database": {patched(68, 0), loopitr.ErrInvalid, "not a loopitr index"},
		"newer format":   {patched(60, 2), loopitr.ErrInvalid, "newer loopitr (format 2"},
		"format 0":       {patched(60, 0), loopitr.ErrCorrupt, "format"},
		"cut header":     {content[:50], loopitr.ErrCorrupt, "header"},
		"cut in half":    {content[:len(content)/2], loopitr.ErrCorrupt, ""},
		"one page":       {content[:4096], loopitr.ErrCorrupt, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, readOnly := range []bool{false, true} {
				path := filepath.Join(t.TempDir(), "index.db")
				if err := os.WriteFile(path, one.content, 0o600); err != nil {
					t.Fatal(err)
				}
				c := forModelA
				c.ReadOnly = readOnly
				err := use(t.Context(), path, c)
				if !errors.Is(err, one.kind) || !strings.Contains(fmt.Sprint(err), one.says) {
					t.Errorf("read only %v: error %v, want %q and %q", readOnly, err, one.kind, one.says)
				}
				if after, _ := os.ReadFile(path); one.kind == loopitr.ErrInvalid && !bytes.Equal(after, one.content) {
					t.Error("a file that is not ours was changed")
				}
			}
		})
	}
}

func TestOpenWithoutIndex(t *testing.T) {
	dir := t.TempDir()
	reading := sqlite.Config{ReadOnly: true}
	wantKind(t, "missing", use(t.Context(), filepath.Join(dir, "none.db"), reading), loopitr.ErrNotFound)
	wantKind(t, "folder", use(t.Context(), dir, forModelA), loopitr.ErrInvalid)
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "below a file", use(t.Context(), filepath.Join(dir, "file", "index.db"), forModelA), loopitr.ErrUnavailable)
	wantKind(t, "empty file", use(t.Context(), filepath.Join(dir, "file"), reading), loopitr.ErrNotFound)
	if err := use(t.Context(), filepath.Join(dir, "file"), forModelA); err != nil {
		t.Errorf("creation that was cut off: %v", err)
	}
	for _, c := range []sqlite.Config{{}, {Fingerprint: "a", Tokens: 9}, {Fingerprint: "a", ReadOnly: true, Rebuild: true}} {
		wantKind(t, fmt.Sprint(c), use(t.Context(), filepath.Join(dir, "x.db"), c), loopitr.ErrInvalid)
	}
}

func wantKind(t testing.TB, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: error %v, want one that wraps %q", what, err, kind)
	}
}

func TestOddFileNames(t *testing.T) {
	for _, name := range []string{"a b", "what?", "50%25", "#1", "it's&_pragma=foo", "ü\n"} {
		if runtime.GOOS == "windows" && strings.ContainsAny(name, "?\n") {
			continue // no file there has such a name
		}
		path := filepath.Join(t.TempDir(), name, name+".db")
		if err := use(t.Context(), path, forModelA); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// TestFlippedBits damages stored values where SQLite itself would notice nothing.
func TestFlippedBits(t *testing.T) {
	for name, n := range map[string]int{"tail": 3, "segment": 1500} {
		path := indexFile(t, n)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		needle := indextest.Vector(1, 8)
		first := binary.LittleEndian.AppendUint32(nil, uint32frombits(needle[0]))
		at := bytes.Index(content, first)
		if at < 0 {
			t.Fatal("the vector is not in the file")
		}
		content[at] ^= 1
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		err = use(t.Context(), path, forModelA)
		wantKind(t, name, err, loopitr.ErrCorrupt)
		if err == nil || !strings.Contains(err.Error(), "checksum") {
			t.Errorf("%s: error %v does not say why", name, err)
		}
	}
}

// TestCraftedSchema opens files in which a stranger put more than an index has.
func TestCraftedSchema(t *testing.T) {
	for statement, kind := range map[string]error{
		"CREATE VIEW sneaky AS SELECT 1":                                                   loopitr.ErrInvalid,
		"CREATE TRIGGER sneaky AFTER INSERT ON items_1 BEGIN DELETE FROM items_1; END":     loopitr.ErrInvalid,
		"DROP TABLE tokens_1":                                                              loopitr.ErrCorrupt,
		"ALTER TABLE items_1 ADD COLUMN more TEXT":                                         loopitr.ErrCorrupt,
		"DROP TABLE generations":                                                           loopitr.ErrInvalid,
		"UPDATE generations SET dimensions = 1000000000":                                   loopitr.ErrCorrupt,
		"UPDATE generations SET dimensions = 9":                                            loopitr.ErrCorrupt,
		"UPDATE items_1 SET path = '../../etc/passwd'":                                     loopitr.ErrCorrupt,
		"UPDATE items_1 SET latitude = 500, longitude = 0":                                 loopitr.ErrCorrupt,
		"UPDATE items_1 SET hash = x'00'":                                                  loopitr.ErrCorrupt,
		"UPDATE items_1 SET content = content + 100":                                       loopitr.ErrCorrupt,
		"DELETE FROM items_1":                                                              loopitr.ErrCorrupt,
		"UPDATE contents_1 SET vector = zeroblob(36)":                                      loopitr.ErrCorrupt,
		"UPDATE contents_1 SET vector = zeroblob(50000000)":                                loopitr.ErrCorrupt,
		"UPDATE tokens_1 SET states = zeroblob(8)":                                         loopitr.ErrCorrupt,
		"INSERT INTO segments_1 VALUES (1, 3, 3, zeroblob(80))":                            loopitr.ErrCorrupt,
		"INSERT INTO segments_1 VALUES (9223372036854775807, 9223372036854775807, 1, x'')": loopitr.ErrCorrupt,
	} {
		path := indexFile(t, 1)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		wantKind(t, statement, use(t.Context(), path, forModelA), kind)
	}
}

// TestSegmentsThatLieAboutTheirSize makes rows claim a megabyte where they hold 24
// kB. SQLite tells a blob's length without looking for its bytes.
func TestSegmentsThatLieAboutTheirSize(t *testing.T) {
	path := indexFile(t, 4096) // four segments
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A record's header: its size, then first (the row's id), last and count as
	// integers of two bytes, and a blob of 1024*(16+8)+4 bytes; before it the sizes
	// of the record and the row's id. The claim leaves as much of the record on its
	// page as before (sqlite.org/fileformat2.html 1.6).
	const claimed = 24580 + 238*4092
	claims := 0
	for at := 0; ; {
		i := bytes.Index(content[at:], varint(7, 0, 2, 2, 2*24580+12))
		if i < 0 {
			break
		}
		at += i
		copy(content[at:], varint(7, 0, 2, 2, 2*claimed+12))
		i = bytes.LastIndex(content[:at], varint(24580+11))
		copy(content[i:], varint(claimed+11))
		at++
		claims++
	}
	if claims != 4 {
		t.Fatalf("%d segments are in the file, want 4", claims)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	x := openAt(t, path, sqlite.Config{ReadOnly: true})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = x.Nearest(t.Context(), loopitr.Lookup{Vector: indextest.Vector(0, 8), Count: 1})
	runtime.ReadMemStats(&after)
	if !errors.Is(err, loopitr.ErrCorrupt) {
		t.Errorf("error %v, want %v", err, loopitr.ErrCorrupt)
	}
	// A lie that is read costs its size; built with -race, the first costs two.
	if took := after.TotalAlloc - before.TotalAlloc; took > 3*claimed {
		t.Errorf("%d bytes were taken, four lies of %d must not all be read", took, claimed)
	}
}

// varint writes numbers as SQLite does: seven bits a byte, highest first.
func varint(numbers ...uint64) []byte {
	var all []byte
	for _, n := range numbers {
		one := []byte{byte(n & 0x7f)}
		for n >>= 7; n > 0; n >>= 7 {
			one = append([]byte{byte(n) | 0x80}, one...)
		}
		all = append(all, one...)
	}
	return all
}

// FuzzOpen overwrites bytes of an index and uses it: an error at worst.
func FuzzOpen(f *testing.F) {
	content, err := os.ReadFile(indexFile(f, 5))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 0, 0, 1})
	f.Add([]byte{0, 0, 100, 13, 0, 0, 103, 255})
	f.Add([]byte{0, 16, 0, 10, 0, 32, 5, 0xff, 0, 48, 8, 0x7f})
	path := filepath.Join(f.TempDir(), "index.db")
	f.Fuzz(func(t *testing.T, edits []byte) {
		damaged := bytes.Clone(content)
		for ; len(edits) >= 4; edits = edits[4:] { // three bytes of offset, one of value
			offset := int(edits[0])<<16 | int(edits[1])<<8 | int(edits[2])
			damaged[offset%len(damaged)] = edits[3]
		}
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			os.Remove(path + suffix)
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		err := use(context.Background(), path, sqlite.Config{ReadOnly: true})
		if err == nil {
			return
		}
		for _, kind := range []error{loopitr.ErrInvalid, loopitr.ErrCorrupt, loopitr.ErrUnavailable, loopitr.ErrNotFound} {
			if errors.Is(err, kind) {
				return
			}
		}
		t.Errorf("error %v is of no kind", err)
	})
}
