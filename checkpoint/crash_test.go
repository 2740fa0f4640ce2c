package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/loopitr/loopitr"
)

type crashConfig struct{ Number int }

// numbered makes a model every file of which tells its number.
func numbered(n int) Parts {
	values := make([]float32, 3000)
	for i := range values {
		values[i] = float32(n)
	}
	return Parts{
		Config:     crashConfig{n},
		Weights:    []Tensor{{Name: "a", Dims: []int{3, 1000}, Values: values}},
		Vocabulary: fmt.Appendf(nil, "word%d\n", n),
		Card:       fmt.Sprintf("card %d", n),
	}
}

// number returns the number of the model in dir, or fails if its files differ.
func number(t *testing.T, dir string) int {
	t.Helper()
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var config crashConfig
	if err := m.Config(&config); err != nil {
		t.Fatal(err)
	}
	weights, err := m.Weights([]Shape{{Name: "a", Dims: []int{3, 1000}}})
	if err != nil {
		t.Fatal(err)
	}
	want := numbered(config.Number)
	if got := string(m.Vocabulary()); got != string(want.Vocabulary) || weights[0].Values[2999] != float32(config.Number) {
		t.Fatalf("mixed model: config %d, vocabulary %q, weights %v", config.Number, got, weights[0].Values[2999])
	}
	if _, err := m.Fingerprint(nil); err != nil {
		t.Fatal(err)
	}
	return config.Number
}

var errCrash = errors.New("crash")

// crashDisk does left operations and then nothing any more; the last write is cut.
type crashDisk struct {
	disk
	left int
}

func (c *crashDisk) next() bool {
	c.left--
	return c.left >= 0
}

func (c *crashDisk) mkdir(path string) error { return c.do(func() error { return c.disk.mkdir(path) }) }
func (c *crashDisk) sync(path string) error  { return c.do(func() error { return c.disk.sync(path) }) }
func (c *crashDisk) removeAll(path string) error {
	return c.do(func() error { return c.disk.removeAll(path) })
}
func (c *crashDisk) rename(from, to string) error {
	return c.do(func() error { return c.disk.rename(from, to) })
}

func (c *crashDisk) do(operation func() error) error {
	if !c.next() {
		return errCrash
	}
	return operation()
}

func (c *crashDisk) write(path string, fill func(w io.Writer) error) error {
	if !c.next() {
		return errCrash
	}
	if c.left > 0 {
		return c.disk.write(path, fill)
	}
	return c.disk.write(path, func(w io.Writer) error { return fill(&quota{w: w, left: 5, full: errCrash}) })
}

// quota accepts left bytes and then answers full.
type quota struct {
	w    io.Writer
	left int
	full error
}

func (q *quota) Write(b []byte) (int, error) {
	n, err := q.w.Write(b[:min(len(b), q.left)])
	q.left -= n
	if err == nil && n < len(b) {
		err = q.full
	}
	return n, err
}

func TestSaveStoppedAtAnyOperationLeavesOldOrNew(t *testing.T) {
	sawOld, sawNew := false, false
	for operations := 0; ; operations++ {
		dir := filepath.Join(t.TempDir(), "model")
		if err := Save(dir, numbered(1)); err != nil {
			t.Fatal(err)
		}
		err := save(&crashDisk{disk: realDisk{}, left: operations}, dir, numbered(2))
		got := number(t, dir)
		if got != 1 && got != 2 || err == nil && got != 2 {
			t.Fatalf("after %d operations: model %d, save said %v", operations, got, err)
		}
		sawOld, sawNew = sawOld || got == 1, sawNew || got == 2
		if err := Save(dir, numbered(3)); err != nil {
			t.Fatalf("saving after a stop at %d: %v", operations, err)
		}
		if got := number(t, dir); got != 3 {
			t.Fatalf("saving after a stop at %d: model %d", operations, got)
		}
		left, _ := filepath.Glob(filepath.Join(dir, ".*"))
		if len(left) > 0 {
			t.Fatalf("saving after a stop at %d left %v", operations, left)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, errCrash) {
			t.Fatalf("stop at %d: got %v", operations, err)
		}
	}
	if !sawOld || !sawNew {
		t.Errorf("not both outcomes seen: old %v, new %v", sawOld, sawNew)
	}
}

// fullDisk holds left more bytes.
type fullDisk struct {
	disk
	left int
}

func (f *fullDisk) write(path string, fill func(w io.Writer) error) error {
	return f.disk.write(path, func(w io.Writer) error {
		q := &quota{w: w, left: f.left, full: syscall.ENOSPC}
		err := fill(q)
		f.left = q.left
		return err
	})
}

func TestFullDiskLeavesTheOldModel(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	if err := Save(dir, numbered(1)); err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 7, 100, 11000, 12100, 12140} {
		err := save(&fullDisk{disk: realDisk{}, left: room}, dir, numbered(2))
		if err := kind(err); !errors.Is(err, loopitr.ErrUnavailable) {
			t.Errorf("room for %d bytes: got %v, want ErrUnavailable", room, err)
		}
		if got := number(t, dir); got != 1 {
			t.Errorf("room for %d bytes: got model %d, want the old one", room, got)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
			t.Errorf("room for %d bytes: left %v", room, left)
		}
	}
}

func TestFullFileSystemLeavesOldModelAndState(t *testing.T) {
	dir := t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", dir).Run(); err != nil {
		t.Skipf("needs the right to mount a small tmpfs: %v", err)
	}
	defer exec.Command("umount", dir).Run()
	model, states := filepath.Join(dir, "model"), filepath.Join(dir, "states")
	if err := Save(model, numbered(1)); err != nil {
		t.Fatal(err)
	}
	if err := SaveState(states, State{Step: 1, Tensors: numbered(1).Weights}); err != nil {
		t.Fatal(err)
	}
	large := numbered(2)
	large.Weights = append(large.Weights, Tensor{Name: "b", Dims: []int{1 << 14}, Values: make([]float32, 1<<14)})
	if err := Save(model, large); !errors.Is(err, loopitr.ErrUnavailable) {
		t.Errorf("model: got %v, want ErrUnavailable", err)
	}
	if err := SaveState(states, State{Step: 2, Tensors: large.Weights}); !errors.Is(err, loopitr.ErrUnavailable) {
		t.Errorf("state: got %v, want ErrUnavailable", err)
	}
	if got := number(t, model); got != 1 {
		t.Errorf("got model %d, want the old one", got)
	}
	var progress any
	if s, damaged, err := LoadState(states, &progress); err != nil || s.Step != 1 || len(damaged) > 0 {
		t.Errorf("got state %d, %v, %v, want the old one", s.Step, damaged, err)
	}
}

func TestOpenBesideSaveSeesWholeModels(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	if err := Save(dir, numbered(0)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		var err error
		for i := 1; i <= 12 && err == nil; i++ {
			err = Save(dir, numbered(i))
		}
		done <- err
	}()
	for {
		number(t, dir)
		if runtime.GOOS == "windows" { // no file is replaced while it is open
			time.Sleep(10 * time.Millisecond)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
	}
}

const saveForever = "LOOPITR_TEST_SAVE_FOREVER"

func TestMain(m *testing.M) {
	dir := os.Getenv(saveForever)
	for i := 2; dir != ""; i++ {
		p := numbered(i)
		if err := errors.Join(Save(filepath.Join(dir, "model"), p),
			SaveState(filepath.Join(dir, "states"), State{Step: int64(i), Progress: i, Tensors: p.Weights})); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func TestKilledSavesLeaveWholeModelsAndStates(t *testing.T) {
	dir := t.TempDir()
	first := numbered(1)
	if err := errors.Join(Save(filepath.Join(dir, "model"), first),
		SaveState(filepath.Join(dir, "states"), State{Step: 1, Progress: 1, Tensors: first.Weights})); err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), saveForever+"="+dir)
		var complaint strings.Builder
		child.Stderr = &complaint
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+25*i) * time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := child.Wait(); err == nil || complaint.Len() > 0 {
			t.Fatalf("the child was not killed but ended by itself: %v: %s", err, complaint.String())
		}
		number(t, filepath.Join(dir, "model"))
		var progress int
		s, damaged, err := LoadState(filepath.Join(dir, "states"), &progress)
		if err != nil || len(damaged) > 0 || int64(progress) != s.Step || s.Tensors[0].Values[0] != float32(s.Step) {
			t.Fatalf("state after a kill: step %d, progress %d, %v, %v", s.Step, progress, damaged, err)
		}
	}
}
