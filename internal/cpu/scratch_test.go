package cpu_test

import (
	"math"
	"runtime"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr/internal/cpu"
)

// Programs of all shapes that a model meets are kept, but not the memory that each
// of them once worked in.
func TestProgramsShareWhatTheyWorkIn(t *testing.T) {
	const programs, step = 12, 1 << 20 // of float32
	b, m := open(t, "threads=2"), must(t)
	var kept []compute.Executable
	largest, before := 0, heap()
	for i := range programs {
		n := (i + 1) * step
		e := compile(t, b, [][]int{{1}}, func(f compute.Function, v []compute.Value) []compute.Value {
			numbers := m(f.Mul(m(f.Iota(shapes.Make(dtypes.Float32, n), 0)), m(f.BroadcastInDim(v[0], shapes.Make(dtypes.Float32, n), []int{0}))))
			turned := m(f.Reverse(numbers, 0)) // a step of its own: its value is in the arena
			return []compute.Value{m(f.ReduceSum(turned)), m(f.ReduceMax(turned))}
		})
		execute(t, e, buffer(t, b, []float32{1}, shapes.Make(dtypes.Float32, 1)))
		arena, _ := e.(*cpu.Executable).MemoryPlan()
		kept, largest = append(kept, e), max(largest, arena)
	}
	if grown := int(heap() - before); largest < 4*programs*step || grown > largest+4*step {
		t.Errorf("%d programs keep %d bytes, the largest works in %d", programs, grown, largest)
	}
	runtime.KeepAlive(kept)
}

// execute runs e once and gives back the buffers.
func execute(t *testing.T, e compute.Executable, in ...compute.Buffer) {
	t.Helper()
	out, err := e.Execute(in, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range append(out, in...) {
		if err := b.Finalize(); err != nil {
			t.Fatal(err)
		}
	}
}

// Rows too long for registers of the workers are computed without: what an execution
// keeps is in the plan or a result.
func TestLongRowsNeedWhatIsPlanned(t *testing.T) {
	const n = 1 << 22
	m := must(t)
	long := make([]float32, n)
	for i := range long {
		long[i] = float32(i%1000) / 1000
	}
	long[n/3] = 2
	for _, config := range []string{"threads=1", "threads=4"} {
		b := open(t, config)
		e := compile(t, b, [][]int{{2, n / 2}, {1, n / 2}}, func(f compute.Function, v []compute.Value) []compute.Value {
			y := m(f.Mul(m(f.Exp(v[0])), m(f.Sin(v[1]))))
			return []compute.Value{m(f.ReduceMax(v[0])), m(f.ReduceMax(v[0], 1)), m(f.ReduceSum(y, 0)), m(f.ReduceSum(y))}
		})
		in := []compute.Buffer{buffer(t, b, long, shapes.Make(dtypes.Float32, 2, n/2)), buffer(t, b, long[:n/2], shapes.Make(dtypes.Float32, 1, n/2))}
		before := heap()
		out, err := e.Execute(in, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		arena, _ := e.(*cpu.Executable).MemoryPlan()
		if grown, results := int(heap())-int(before), 4*n/2; grown > arena+results+1<<20 {
			t.Errorf("%s: an execution keeps %d bytes, %d are planned and %d its results", config, grown, arena, results)
		}
		runtime.KeepAlive(e)
		wantLong(t, long, out)
	}
}

func wantLong(t *testing.T, long []float32, out []compute.Buffer) {
	t.Helper()
	var got [4][]float32
	for i, o := range out {
		data, err := o.Data()
		if err != nil {
			t.Fatal(err)
		}
		got[i] = data.([]float32)
	}
	if diff := cmp.Diff([][]float32{{2}, {2, 0.999}}, got[:2]); diff != "" {
		t.Error(diff)
	}
	half, total := len(long)/2, 0.0
	for j := range half {
		sum := (math.Exp(float64(long[j])) + math.Exp(float64(long[half+j]))) * math.Sin(float64(long[j]))
		if math.Abs(float64(got[2][j])-sum) > 1e-4*sum+1e-6 {
			t.Fatalf("column %d: got %v, want %v", j, got[2][j], sum)
		}
		total += sum
	}
	if math.Abs(float64(got[3][0])-total) > 1e-4*total {
		t.Errorf("got %v, want %v", got[3][0], total)
	}
}
