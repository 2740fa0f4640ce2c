package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A terminal gives no line until one is typed.
func TestEncodeStopsWhileWaitingForLines(t *testing.T) {
	dir := t.TempDir()
	if err := makeFixtures(dir); err != nil {
		t.Fatal(err)
	}
	in, typed := io.Pipe()
	defer typed.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code := make(chan int)
	go func() {
		args := []string{"encode", "--model", filepath.Join(dir, "model"), "--quiet"}
		code <- run(ctx, args, streams{in, io.Discard, os.Stderr})
	}()
	select {
	case got := <-code:
		if got != exitFailed {
			t.Errorf("exit code %d, want %d", got, exitFailed)
		}
	case <-time.After(8 * time.Second):
		t.Fatal("it goes on waiting")
	}
}
