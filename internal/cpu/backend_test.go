package cpu_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"go.uber.org/goleak"

	"github.com/loopitr/loopitr/internal/cpu"
	"github.com/loopitr/loopitr/internal/simd"
	"github.com/loopitr/loopitr/network"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOptions(t *testing.T) {
	for _, config := range []string{"threads=0", "threads=x", "threads=100000", "products=int8", "plain=", "plain=take", "speed=high"} {
		if b, err := cpu.New(config); err == nil {
			b.Finalize()
			t.Errorf("%q was accepted", config)
		}
	}
	defer simd.Use(simd.AVX2)() // which has no bf16 products of its own
	b := open(t, "threads=2,products=bf16")
	if got := b.Description(); got != "loopitr's CPU engine: 2 threads, emulated bf16 products" {
		t.Errorf("description %q", got)
	}
}

// compile builds a graph of float32 parameters.
func compile(t testing.TB, b compute.Backend, dims [][]int, build func(f compute.Function, v []compute.Value) []compute.Value) compute.Executable {
	t.Helper()
	builder := b.Builder("test")
	f := builder.Main()
	var values []compute.Value
	for i, d := range dims {
		v, err := f.Parameter(fmt.Sprint("x", i), shapes.Make(dtypes.Float32, d...), nil)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	if err := f.Return(build(f, values), nil); err != nil {
		t.Fatal(err)
	}
	e, err := builder.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func must(t testing.TB) func(v compute.Value, err error) compute.Value {
	return func(v compute.Value, err error) compute.Value {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestAbsurdShapesAreErrors(t *testing.T) {
	b := open(t, "threads=1")
	huge := shapes.Make(dtypes.Float32, 1<<40, 1<<40)
	if _, _, err := b.NewSharedBuffer(0, huge); err == nil {
		t.Error("a buffer of 2^82 bytes was made")
	}
	f := b.Builder("absurd").Main()
	if _, err := f.Parameter("x", huge, nil); err == nil {
		t.Error("a parameter of 2^82 bytes was accepted")
	}
	x := must(t)(f.Parameter("x", shapes.Make(dtypes.Float32), nil))
	if _, err := f.BroadcastInDim(x, shapes.Make(dtypes.Float32, 1<<30, 1<<30), nil); err == nil {
		t.Error("a broadcast to 2^62 bytes was accepted")
	}
	if _, err := f.Iota(shapes.Make(dtypes.Complex64, 3), 0); !errors.Is(err, compute.ErrNotImplemented) {
		t.Errorf("complex numbers: %v, want ErrNotImplemented", err)
	}
	if _, err := f.FFT(x, compute.FFTForward, []int{1}); !errors.Is(err, compute.ErrNotImplemented) {
		t.Errorf("FFT: %v, want ErrNotImplemented", err)
	}
}

func TestEmptyArrays(t *testing.T) {
	b := open(t, "threads=2")
	e := compile(t, b, [][]int{{0, 3}, {3, 0}}, func(f compute.Function, v []compute.Value) []compute.Value {
		m := must(t)
		return []compute.Value{
			m(f.Exp(v[0])), m(f.ReduceSum(v[0], 0)), m(f.ReduceMax(v[1], 1)),
			m(f.DotGeneral(v[1], []int{1}, nil, v[0], []int{0}, nil, compute.DotGeneralConfig{})),
			m(f.Transpose(v[0], 1, 0)), m(f.Concatenate(0, v[0], v[0])), m(f.FusedSoftmax(v[0], 1)),
		}
	})
	in := []compute.Buffer{buffer(t, b, []float32{}, shapes.Make(dtypes.Float32, 0, 3)), buffer(t, b, []float32{}, shapes.Make(dtypes.Float32, 3, 0))}
	out, err := e.Execute(in, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	inf := float32(math.Inf(-1))
	want := [][]float32{{}, {0, 0, 0}, {inf, inf, inf}, make([]float32, 9), {}, {}, {}}
	for i, o := range out {
		got, err := o.Data()
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want[i]) {
			t.Errorf("result %d = %v, %v, want %v", i, got, err, want[i])
		}
	}
}

func TestDonatedInputIsOverwritten(t *testing.T) {
	b := open(t, "threads=2")
	const n = 5000
	e := compile(t, b, [][]int{{n}, {n}}, func(f compute.Function, v []compute.Value) []compute.Value {
		m := must(t)
		sum := m(f.Add(v[0], v[1]))
		return []compute.Value{m(f.Mul(sum, v[0])), sum}
	})
	flat := make([]float32, n)
	for i := range flat {
		flat[i] = float32(i)
	}
	x, y := buffer(t, b, flat, shapes.Make(dtypes.Float32, n)), buffer(t, b, flat, shapes.Make(dtypes.Float32, n))
	storage := fmt.Sprintf("%p", data(t, x))
	out, err := e.Execute([]compute.Buffer{x, y}, []bool{true, false}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Data(); err == nil {
		t.Error("a donated buffer still gives its values")
	}
	product, sum := data(t, out[0]), data(t, out[1])
	if fmt.Sprintf("%p", product) != storage && fmt.Sprintf("%p", sum) != storage {
		t.Error("no result took over the donated memory")
	}
	for i := range flat {
		if v := float32(i); product[i] != (v+v)*v || sum[i] != v+v || data(t, y)[i] != v {
			t.Fatalf("at %d: product %v, sum %v, kept input %v", i, product[i], sum[i], data(t, y)[i])
		}
	}
	// The same buffer twice cannot be given away.
	if _, err := e.Execute([]compute.Buffer{y, y}, []bool{true, true}, 0); err != nil {
		t.Fatal(err)
	}
}

func data(t testing.TB, b compute.Buffer) []float32 {
	t.Helper()
	v, err := b.Data()
	if err != nil {
		t.Fatal(err)
	}
	return v.([]float32)
}

func TestConcurrentExecutions(t *testing.T) {
	s := newTrainStep(t, open(t, "threads=3"), tiny(), 4, 6)
	s.donate = nil
	inputs := append(append([]compute.Buffer{}, s.state...), s.inputs...)
	want := s.run(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 3 {
				out, err := s.executable.Execute(inputs, nil, 0)
				if err != nil {
					t.Error(err)
					return
				}
				if got := data(t, out[len(out)-1])[0]; got != want {
					t.Errorf("loss %v, alone %v", got, want)
				}
			}
		})
	}
	group.Wait()
}

// TestManyExecutionsKeepWhatTheyHold: heap, goroutines and open files do not grow,
// and the steady state allocates next to nothing per step.
func TestManyExecutionsKeepWhatTheyHold(t *testing.T) {
	s := newTrainStep(t, open(t, "threads=2"), tiny(), 4, 6)
	executions := 10000
	if testing.Short() {
		executions = 500
	}
	e := compile(t, s.backend, [][]int{{65}, {65}}, func(f compute.Function, v []compute.Value) []compute.Value {
		m := must(t)
		return []compute.Value{m(f.Add(v[0], v[1])), m(f.Exp(v[1]))}
	})
	x := buffer(t, s.backend, make([]float32, 65), shapes.Make(dtypes.Float32, 65))
	once := func() {
		out, err := e.Execute([]compute.Buffer{x, x}, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out {
			if err := o.Finalize(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 10 {
		once()
		s.run(t)
	}
	before, goroutines, files := heap(), runtime.NumGoroutine(), openFiles()
	for i := range executions {
		once()
		if i%100 == 0 {
			s.run(t)
		}
	}
	if after := heap(); after > before+1<<20 {
		t.Errorf("heap grew from %d to %d bytes over %d executions", before, after, executions)
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines became %d over %d executions", goroutines, now, executions)
	}
	if now := openFiles(); now > files {
		t.Errorf("%d open files became %d over %d executions", files, now, executions)
	}
	// A buffer for each result, in the memory of an input, and some of the execution's
	// own: fewer than there are products alone.
	results := len(s.executable.Outputs())
	if allocations := testing.AllocsPerRun(20, func() { s.run(t) }); allocations > float64(results+30) {
		t.Errorf("a step allocates %v times for %d results", allocations, results)
	}
}

// openFiles counts this process's open files; 0 where the system does not list them.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestMemoryPlan: a Small step's arena stays within 1.2 times what is alive in it,
// and all that the step holds within 1.2 times that and the state.
func TestMemoryPlan(t *testing.T) {
	before := heap()
	s := newTrainStep(t, open(t, "threads=2"), network.Small(), 64, 16)
	arena, live := s.executable.(*cpu.Executable).MemoryPlan()
	if arena > live*6/5 {
		t.Errorf("arena of %d bytes for %d alive", arena, live)
	}
	if testing.Short() || simd.Active() == simd.Generic {
		t.Skip("takes steps of seconds, in plain Go of minutes")
	}
	for range 2 {
		// Nothing that a step allocates counts as freed before it ends.
		held := int(heap()-before) + allocated(func() { s.run(t) })
		floor := live + s.stateBytes()
		t.Logf("%.2f GiB held, %.3f of what is alive and the state", gib(held), float64(held)/float64(floor))
		if held > floor*6/5 {
			t.Errorf("a step holds up to %d bytes for %d alive and %d of state", held, live, s.stateBytes())
		}
	}
}

// allocated is how many bytes f allocates.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// TestBaseFitsIntoMemory: a step of Base at 224 px, batch 8, without computing
// blocks again. Weights and moments are updated where they are, the rest is the
// arena; package train measures what the process holds.
func TestBaseFitsIntoMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the largest graph")
	}
	c := network.Base()
	c.Vision.ImageSize = 224
	s := compileTrainStep(t, open(t, "threads=1"), network.LoopITR{Config: c}, 8, 24)
	arena, live := s.executable.(*cpu.Executable).MemoryPlan()
	state := s.stateBytes()
	t.Logf("%.2f GiB of weights and moments, %.2f GiB of arena, %.2f GiB alive in it", gib(state), gib(arena), gib(live))
	const room = 12 << 30 // of 16 GiB: the rest is for inputs, for loading and for saving
	if state+arena > room {
		t.Errorf("%d bytes of weights and moments and %d of arena, want at most %d", state, arena, room)
	}
}

func gib(bytes int) float64 { return float64(bytes) / (1 << 30) }

func TestFinalizedIsRefused(t *testing.T) {
	b, err := cpu.New("threads=2")
	if err != nil {
		t.Fatal(err)
	}
	e := compile(t, b, [][]int{{2}}, func(f compute.Function, v []compute.Value) []compute.Value {
		return []compute.Value{must(t)(f.Neg(v[0]))}
	})
	x := buffer(t, b, []float32{1, 2}, shapes.Make(dtypes.Float32, 2))
	b.Finalize()
	b.Finalize()
	if _, err := e.Execute([]compute.Buffer{x}, nil, 0); err == nil {
		t.Error("a finalized backend executed")
	}
	if _, err := x.Data(); err == nil {
		t.Error("a finalized backend's buffer gave values")
	}
}
