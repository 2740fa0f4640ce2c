package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"loopitr": main})
}

func TestScripts(t *testing.T) {
	fixtures := t.TempDir()
	made := sync.OnceValue(func() error { return makeFixtures(fixtures) })
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			if err := made(); err != nil {
				return err
			}
			for _, v := range os.Environ() { // a developer's own settings would be flags
				if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "LOOPITR_") && name != "LOOPITR_SIMD" {
					e.Setenv(name, "")
				}
			}
			for _, model := range []string{"model", "other", "nan", "lie"} {
				e.Setenv(strings.ToUpper(model), filepath.Join(fixtures, model))
			}
			for name, folder := range map[string]string{"CONVERT": "../../convert/testdata", "TORCH": "../../checkpoint/torch/testdata"} {
				path, err := filepath.Abs(folder)
				if err != nil {
					return err
				}
				e.Setenv(name, path)
			}
			return os.CopyFS(filepath.Join(e.WorkDir, "data"), os.DirFS(filepath.Join(fixtures, "data")))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "jsonhas": jsonHas, "waitfor": waitFor, "flip": flip, "onterminal": onTerminal,
		},
	})
}

// exits CODE COMMAND... runs a command that must end with this code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	if strings.Contains(ts.ReadFile("stderr"), "panic") {
		ts.Fatalf("it panicked")
	}
}

// jsonhas FILE PATH... wants every dotted path in a JSON file, or lines of JSON.
func jsonHas(ts *testscript.TestScript, neg bool, args []string) {
	var value any
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	if err := decoder.Decode(&value); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	for _, path := range args[1:] {
		if _, found := lookup(value, strings.Split(path, ".")); found == neg {
			ts.Fatalf("%s: %q is there: %v", args[0], path, found)
		}
	}
}

func lookup(value any, path []string) (any, bool) {
	if len(path) == 0 {
		return value, true
	}
	switch v := value.(type) {
	case map[string]any:
		if inner, ok := v[path[0]]; ok {
			return lookup(inner, path[1:])
		}
	case []any:
		if i, err := strconv.Atoi(path[0]); err == nil && i < len(v) {
			return lookup(v[i], path[1:])
		}
	}
	return nil, false
}

// waitfor FILE waits until a background command has made a file.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	for range 3000 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("%s did not come", args[0])
}

// flip FILE changes the file's last byte, but neither its size nor its time.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	stat, err := os.Stat(path)
	ts.Check(err)
	content, err := os.ReadFile(path)
	ts.Check(err)
	content[len(content)-1] ^= 1
	ts.Check(os.WriteFile(path, content, 0o644))
	ts.Check(os.Chtimes(path, stat.ModTime(), stat.ModTime()))
}

// Every command says how it is used: two examples that begin with loopitr, its
// environment variables, exit codes.
func TestHelpIsWhole(t *testing.T) {
	root := newRoot(streams{strings.NewReader(""), os.Stdout, os.Stderr})
	var check func(path string)
	check = func(path string) {
		c, _, err := root.Find(strings.Fields(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, child := range c.Commands() {
			if child.Name() != "help" && child.Name() != "completion" {
				check(strings.TrimSpace(path + " " + child.Name()))
			}
		}
		help := c.UsageString()
		for _, want := range []string{"Exit codes: 0 done", "[$LOOPITR_QUIET]"} {
			if !strings.Contains(help, want) {
				t.Errorf("%q: help has no %q", path, want)
			}
		}
		if n := strings.Count(c.Example, "loopitr "+path); n < 2 && path != "" && c.Runnable() {
			t.Errorf("%q: %d examples", path, n)
		}
	}
	check("")
	if len(root.Commands()) < 12 {
		t.Errorf("only %d commands", len(root.Commands()))
	}
}
