package durable

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// bufferSize is how much is gathered before it is written.
const bufferSize = 1 << 18

// WriteFile has write make the file at path. What was there before stays until the
// new content is complete and on the disk, and stays for good when anything fails.
// A link is followed. What is no plain file, such as a pipe or /dev/stdout, is
// written to as it is.
//
// The error names path and wraps write's or the operating system's.
func WriteFile(path string, write func(w io.Writer) error) error {
	err := writeFile(path, write)
	if err == nil {
		return nil
	}
	if p, ok := err.(*fs.PathError); ok { // its path is the unfinished file's
		err = p.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, missing := os.Stat(filepath.Dir(path)); missing != nil {
			return fmt.Errorf("write %q: make folder %q first: %w", path, filepath.Dir(path), err)
		}
	}
	return fmt.Errorf("write %q: %w", path, err)
}

func writeFile(path string, write func(w io.Writer) error) error {
	if passesOn(path) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		return cmp.Or(fill(f, write), f.Close())
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	f, err := createBeside(path)
	if err != nil {
		return err
	}
	if err = fill(f, write); err == nil {
		err = f.Sync()
	}
	if err = cmp.Or(err, f.Close()); err == nil {
		err = Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the error to report is the first one
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// WriteBytes is WriteFile of content that is at hand.
func WriteBytes(path string, content []byte) error {
	return WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

func fill(f *os.File, write func(w io.Writer) error) error {
	out := bufio.NewWriterSize(f, bufferSize)
	if err := write(out); err != nil {
		return err
	}
	return out.Flush()
}

// passesOn reports whether path names no plain file, or a file that is open
// already, as /dev/stdout does: replacing that would lose what it is open for.
func passesOn(path string) bool {
	if stat, err := os.Stat(path); err == nil && !stat.Mode().IsRegular() {
		return true
	}
	target, err := os.Readlink(path)
	if err == nil && strings.HasPrefix(target, "/proc/") {
		return true
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	return err == nil && strings.HasPrefix(folder, "/proc/")
}

// longestBase keeps the unfinished file's name below the 255 bytes that file
// systems allow.
const longestBase = 200

// createBeside makes the unfinished file in path's folder, with the permissions
// that a new file has.
func createBeside(path string) (*os.File, error) {
	folder, base := filepath.Split(path)
	base = base[:min(len(base), longestBase)]
	for {
		name := fmt.Sprintf("%s.%s-%016x%s", folder, base, rand.Uint64(), unfinished)
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// unfinished ends the names of files that are being written.
const unfinished = ".tmp"

// RemoveUnfinished removes what killed writes of files whose names begin with
// prefix left in a folder.
func RemoveUnfinished(folder, prefix string) error {
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, "."+prefix) && strings.HasSuffix(name, unfinished) {
			err = errors.Join(err, os.Remove(filepath.Join(folder, name)))
		}
	}
	return err
}

// SyncFolder makes renames inside a folder last.
func SyncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	_ = d.Sync() // systems that cannot sync a folder order renames themselves
	return d.Close()
}

// Full reports whether err says that the disk or the user's share of it is full.
func Full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
