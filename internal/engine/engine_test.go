package engine_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// each runs a test on every engine of this binary whose library is there.
func each(t *testing.T, test func(t *testing.T, e *engine.Engine)) {
	t.Helper()
	for _, name := range engine.Names() {
		t.Run(name, func(t *testing.T) {
			e, err := engine.Open(name)
			if errors.Is(err, loopitr.ErrUnavailable) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}()
			test(t, e)
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, want := range map[string]error{
		"abacus":            loopitr.ErrUnavailable,
		"go:parallelism=no": loopitr.ErrInvalid,
		"go:parallelism=0":  loopitr.ErrInvalid,
		"go:nonsense":       loopitr.ErrInvalid,
		"cpu:threads=none":  loopitr.ErrInvalid,
	} {
		_, err := engine.Open(name)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), name) {
			t.Errorf("Open(%q) = %v, want %v naming it", name, err, want)
		}
	}
	if _, err := engine.Open("abacus"); !strings.Contains(err.Error(), "go") {
		t.Errorf("Open does not list the engines there are: %v", err)
	}
}

func TestOpenPrintsNothing(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	e, err := engine.Open("go:parallelism=4")
	os.Stdout = stdout
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	printed := make([]byte, 100)
	if n, _ := r.Read(printed); n > 0 {
		t.Errorf("Open printed %q", printed[:n])
	}
	if !strings.Contains(e.Description(), "parallelism=4") {
		t.Errorf("option lost: %s", e.Description())
	}
}

func addTwice(in []*graph.Node) []*graph.Node {
	sum := graph.Add(in[0], in[1])
	return []*graph.Node{sum, graph.ReduceAllSum(sum), sum, in[0]}
}

func TestRun(t *testing.T) {
	each(t, func(t *testing.T, e *engine.Engine) {
		p, err := e.Compile("add", []engine.Spec{engine.FloatInput("a", 2), engine.FloatInput("b", 2)}, addTwice)
		if err != nil {
			t.Fatal(err)
		}
		a := engine.Floats([]float32{1, 2}, 2)
		got, err := p.Run(t.Context(), a, engine.Floats([]float32{10, 20}, 2))
		if err != nil {
			t.Fatal(err)
		}
		want := [][]float32{{11, 22}, {33}, {11, 22}, {1, 2}}
		for i, w := range want {
			if diff := cmp.Diff(w, got[i].Floats()); diff != "" {
				t.Errorf("output %d: %s", i, diff)
			}
		}
		if len(got[1].Shape) != 0 {
			t.Errorf("scalar has shape %v", got[1].Shape)
		}
		if a.Floats()[0] != 1 {
			t.Error("input was changed")
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if _, err := p.Run(t.Context(), a, a); !errors.Is(err, loopitr.ErrUnavailable) {
			t.Errorf("closed program runs: %v", err)
		}
	})
}

func TestTypesPassThrough(t *testing.T) {
	each(t, func(t *testing.T, e *engine.Engine) {
		specs := []engine.Spec{engine.IntInput("ids", 3), engine.ByteInput("pixels", 2)}
		p, err := e.Compile("types", specs, func(in []*graph.Node) []*graph.Node {
			return []*graph.Node{graph.AddScalar(in[0], 1), graph.Identity(in[1]), graph.GreaterThan(in[0], graph.Const(in[0].Graph(), int64(5)))}
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Run(t.Context(), engine.Ints([]int64{4, 5, 6}, 3), engine.Bytes([]uint8{7, 255}, 2))
		if err != nil {
			t.Fatal(err)
		}
		want := []any{[]int64{5, 6, 7}, []uint8{7, 255}, []bool{false, false, true}}
		for i := range want {
			if diff := cmp.Diff(want[i], got[i].Values); diff != "" {
				t.Errorf("output %d: %s", i, diff)
			}
		}
	})
}

func TestPanicsBecomeErrors(t *testing.T) {
	each(t, func(t *testing.T, e *engine.Engine) {
		specs := []engine.Spec{engine.FloatInput("a", 2), engine.FloatInput("b", 3)}
		for name, build := range map[string]engine.Build{
			"shapes":     addTwice,
			"nil":        func([]*graph.Node) []*graph.Node { var n *graph.Node; return []*graph.Node{graph.Add(n, n)} },
			"not error":  func([]*graph.Node) []*graph.Node { panic("bare words") },
			"no outputs": func([]*graph.Node) []*graph.Node { return nil },
		} {
			_, err := e.Compile("program "+name, specs, build)
			if err == nil || !strings.Contains(err.Error(), "compile program "+name) {
				t.Errorf("%s: got %v, want an error naming the program", name, err)
			}
		}
		_, err := e.Compile("empty axis", []engine.Spec{engine.FloatInput("a", 0)}, addTwice)
		if !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("empty axis: %v", err)
		}
	})
}

func TestRunRefusesWrongInputs(t *testing.T) {
	each(t, func(t *testing.T, e *engine.Engine) {
		p, err := e.Compile("add", []engine.Spec{engine.FloatInput("a", 2), engine.FloatInput("b", 2)}, addTwice)
		if err != nil {
			t.Fatal(err)
		}
		good := engine.Floats([]float32{1, 2}, 2)
		for name, inputs := range map[string][]engine.Tensor{
			"too few":    {good},
			"too many":   {good, good, good},
			"shape":      {good, engine.Floats([]float32{1, 2}, 2, 1)},
			"type":       {good, engine.Ints([]int64{1, 2}, 2)},
			"length":     {good, engine.Floats([]float32{1}, 2)},
			"no values":  {good, {Shape: []int{2}}},
			"empty axis": {good, engine.Floats(nil, 0)},
		} {
			if _, err := p.Run(t.Context(), inputs...); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "add") {
				t.Errorf("%s: %v", name, err)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Run(ended, good, good); !errors.Is(err, context.Canceled) {
			t.Errorf("ended context: %v", err)
		}
		if _, err := p.Run(t.Context(), good, good); err != nil {
			t.Errorf("program is unusable after refusals: %v", err)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	each(t, func(t *testing.T, e *engine.Engine) {
		p, err := e.Compile("add", []engine.Spec{engine.FloatInput("a", 2), engine.FloatInput("b", 2)}, addTwice)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				v := engine.Floats([]float32{float32(i), 1}, 2)
				for range 20 {
					got, err := p.Run(t.Context(), v, v)
					if err != nil || got[0].Floats()[0] != float32(2*i) {
						t.Errorf("got %v, %v", got, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// TestManyRunsKeepWhatTheyHold: neither the heap nor the goroutines grow.
func TestManyRunsKeepWhatTheyHold(t *testing.T) {
	e, err := engine.Open(engine.Default)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	p, err := e.Compile("add", []engine.Spec{engine.FloatInput("a", 1000), engine.FloatInput("b", 1000)}, addTwice)
	if err != nil {
		t.Fatal(err)
	}
	a := engine.Floats(make([]float32, 1000), 1000)
	runs := func(n int) {
		for range n {
			if _, err := p.Run(t.Context(), a, a); err != nil {
				t.Fatal(err)
			}
		}
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runs(100)
	before, goroutines := heap(), runtime.NumGoroutine()
	runs(10000)
	if after := heap(); after > before+1<<20 {
		t.Errorf("heap grew from %d to %d bytes", before, after)
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines became %d", goroutines, now)
	}
}
