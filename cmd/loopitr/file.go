package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// writeFile makes a file that is complete or not there. A path that is no plain
// file, such as /dev/stdout, is written to as it is.
func writeFile(path string, write func(io.Writer) error) error {
	part := path
	if stat, err := os.Stat(path); err != nil || stat.Mode().IsRegular() {
		part += ".part"
	}
	err := fill(part, write)
	if err == nil && part != path {
		err = os.Rename(part, path)
	}
	if err == nil {
		return nil
	}
	if part != path {
		_ = os.Remove(part) // it may never have been made
	}
	return fmt.Errorf("write %q: %w", path, err)
}

func fill(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = write(file)
	if stat, statErr := file.Stat(); err == nil && statErr == nil && stat.Mode().IsRegular() {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
