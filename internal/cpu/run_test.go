package cpu

import (
	"errors"
	"testing"
)

type fakeStep func(f *frame) error

func (s fakeStep) run(f *frame) error { return s(f) }

// A panic in a chunk is its execution's error, whatever happened after it, and no
// later execution's.
func TestPanicsEndWithTheirExecution(t *testing.T) {
	b, err := New("threads=2")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	execute := func(steps ...step) error {
		f := &frame{program: &program{backend: b.(*Backend), steps: steps}}
		return f.runSteps()
	}
	panics := task(func(*frame, int, int) { panic("broken kernel") })
	chunks := fakeStep(func(f *frame) error { f.parallel(&panics, 8); return nil })
	for name, after := range map[string]fakeStep{
		"nothing":  func(*frame) error { return nil },
		"an error": func(*frame) error { return errors.New("no memory") },
		"a panic":  func(*frame) error { panic("index out of range") },
	} {
		if err := execute(chunks, after); err == nil || err.Error() != "cpu: broken kernel" {
			t.Errorf("a panic, then %s: got %v", name, err)
		}
		if err := execute(); err != nil {
			t.Errorf("the execution after a panic and %s: got %v", name, err)
		}
	}
}
