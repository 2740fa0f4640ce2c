package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/durable"
)

// disk is what saving a model asks of the file system. Tests stop it at every
// operation in turn.
type disk interface {
	mkdir(path string) error
	// write creates the file, has fill write it, and syncs it.
	write(path string, fill func(w io.Writer) error) error
	rename(from, to string) error
	removeAll(path string) error
	// sync makes renames inside a folder last.
	sync(folder string) error
}

type realDisk struct{}

func (realDisk) mkdir(path string) error { return os.MkdirAll(path, 0o755) }

func (realDisk) write(path string, fill func(w io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (realDisk) rename(from, to string) error { return durable.Rename(from, to) }
func (realDisk) removeAll(path string) error  { return os.RemoveAll(path) }
func (realDisk) sync(folder string) error     { return durable.SyncFolder(folder) }

// kind gives a full disk and a missing file their kinds of error, unless they have one.
func kind(err error) error {
	switch {
	case durable.Full(err):
		return fmt.Errorf("%w (%w)", err, loopitr.ErrUnavailable)
	case errors.Is(err, os.ErrNotExist) && !errors.Is(err, loopitr.ErrNotFound):
		return fmt.Errorf("%w (%w)", err, loopitr.ErrNotFound)
	}
	return err
}
