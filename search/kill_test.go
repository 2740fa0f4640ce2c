package search_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/sqlite"
	"github.com/loopitr/loopitr/search"
)

const killedRoot, killedIndex = "LOOPITR_KILLED_ROOT", "LOOPITR_KILLED_INDEX"

// telling says on standard output which paths the index has confirmed.
type telling struct{ loopitr.Index }

func (x telling) Put(ctx context.Context, entries []loopitr.Entry) error {
	err := x.Index.Put(ctx, entries)
	if err == nil {
		for _, e := range entries {
			fmt.Println("put", e.Path)
		}
	}
	return err
}

// TestKilledChild is the process that TestBuildSurvivesKills kills.
func TestKilledChild(t *testing.T) {
	root := os.Getenv(killedRoot)
	if root == "" {
		t.Skip("runs only inside TestBuildSurvivesKills")
	}
	index := openIndex(t, os.Getenv(killedIndex), sqlite.Config{Fingerprint: "fake-1", Tokens: sqlite.Int8Tokens})
	model := newFake()
	model.onImages = func(context.Context, []string) error { time.Sleep(time.Millisecond); return nil }
	fmt.Println("begin")
	_, err := search.Build(t.Context(), search.BuildConfig{
		Folder: os.DirFS(root), Index: telling{index}, Encoder: model, Preparer: model, Batch: 3, CommitItems: 7,
	})
	must(t, err)
}

// TestBuildSurvivesKills kills a building process at random moments, again and
// again. Nothing confirmed may be missing, and the end must equal a build that was
// never killed.
func TestBuildSurvivesKills(t *testing.T) {
	f := newFolder(t, nil)
	files := many(f, 200)
	f.build(nil)

	at := filepath.Join(t.TempDir(), ".loopitr", "index.db")
	confirmed := map[string]bool{}
	kills := 0
	for range 200 {
		patience := time.Duration(rand.IntN(40_000)) * time.Microsecond
		if kills >= 8 {
			patience = time.Hour
		}
		if runAndKill(t, f.root, at, patience, confirmed) {
			break
		}
		kills++
		killed := openIndex(t, at, sqlite.Config{Fingerprint: "fake-1"})
		holds := held(t, killed)
		for p := range confirmed {
			if _, found := holds[p]; !found {
				t.Errorf("%s was confirmed and is lost", p)
			}
		}
		must(t, killed.Close())
	}
	if kills < 3 {
		t.Errorf("killed only %d times", kills)
	}
	survivor := openIndex(t, at, sqlite.Config{Fingerprint: "fake-1", ReadOnly: true})
	wantHeld(t, survivor, files)
	for name := range files {
		want, wantVector, err := f.index.Item(t.Context(), name)
		must(t, err)
		got, gotVector, err := survivor.Item(t.Context(), name)
		must(t, err)
		diff(t, "item", want, got)
		diff(t, "vector", wantVector, gotVector)
		tokens, err := survivor.States(t.Context(), []string{name})
		must(t, err)
		diff(t, "tokens", strings.TrimPrefix(files[name], "PIC "), spelled(tokens[0]))
	}
}

// runAndKill reports whether the child ended by itself.
func runAndKill(t *testing.T, root, index string, patience time.Duration, confirmed map[string]bool) bool {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKilledChild$")
	child.Env = append(os.Environ(), killedRoot+"="+root, killedIndex+"="+index)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	var timer *time.Timer
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "begin" {
			timer = time.AfterFunc(patience, func() { child.Process.Kill() })
		}
		if p, found := strings.CutPrefix(lines.Text(), "put "); found {
			confirmed[p] = true
		}
	}
	err = child.Wait()
	if timer == nil {
		t.Fatalf("the child did not begin: %v", err)
	}
	timer.Stop()
	return err == nil
}
