package main

import (
	"fmt"
	"io"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// onTerminal COMMAND... runs a command whose standard output is a terminal, and
// writes what the terminal got to terminal.out. Testscript's ttyin loses the end of
// it on a busy machine.
func onTerminal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: onterminal COMMAND...")
	}
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	ts.Check(err)
	master := os.NewFile(uintptr(fd), "ptmx") // blocking: reading ends with the last writer
	defer master.Close()
	ts.Check(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	ts.Check(err)
	name := fmt.Sprintf("/dev/pts/%d", number)
	held, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	ts.Check(err)
	got := make(chan []byte)
	go func() {
		content, _ := io.ReadAll(master) // it ends with an error when nobody writes any more
		got <- content
	}()
	failed := ts.Exec("sh", append([]string{"-c", `exec "$@" >` + name, "sh"}, args...)...)
	ts.Check(held.Close())
	ts.Check(os.WriteFile(ts.MkAbs("terminal.out"), <-got, 0o644))
	ts.Check(failed)
}
