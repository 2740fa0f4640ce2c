package engine_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/engine"
)

func counter(t *testing.T, e *engine.Engine) *engine.State {
	t.Helper()
	step := []float32{1, 2}
	s, err := e.NewState([]engine.Variable{
		{Name: "sum", Value: engine.Floats([]float32{0, 0}, 2)},
		{Name: "step", Value: engine.Floats(step, 2)},
	})
	if err != nil {
		t.Fatal(err)
	}
	step[0] = 99 // the state holds a copy
	return s
}

func advance(v map[string]*graph.Node, in []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
	sum := graph.Add(v["sum"], graph.Mul(v["step"], in[0]))
	return map[string]*graph.Node{"sum": sum}, []*graph.Node{sum, v["step"]}
}

func TestStateIsReplaced(t *testing.T) {
	each(t, func(t *testing.T, e *engine.Engine) {
		s := counter(t, e)
		p, err := s.Compile(engine.Step{
			Name: "advance", Reads: []string{"step"}, Replaces: []string{"sum"},
			Inputs: []engine.Spec{engine.FloatInput("times")}, Build: advance,
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []engine.Tensor
		for range 3 {
			if got, err = p.Run(t.Context(), engine.Scalar(10)); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]float32{30, 60}, got[0].Floats()); diff != "" {
			t.Error(diff)
		}
		all, err := s.Read()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]any{[]float32{30, 60}, []float32{1, 2}}, []any{all[0].Values, all[1].Values}); diff != "" {
			t.Error(diff)
		}
		if err := s.Write("sum", engine.Floats([]float32{-1, -1}, 2)); err != nil {
			t.Fatal(err)
		}
		if got, err = p.Run(t.Context(), engine.Scalar(1)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]float32{0, 1}, got[0].Floats()); diff != "" {
			t.Error(diff)
		}
		if _, err := p.Run(t.Context(), engine.Scalar(1), engine.Scalar(1)); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("extra input: %v", err)
		}
		if _, err := s.Read("sum"); err != nil {
			t.Errorf("a refused run lost the state: %v", err)
		}
	})
}

func TestManySteps(t *testing.T) {
	each(t, func(t *testing.T, e *engine.Engine) {
		s := counter(t, e)
		p, err := s.Compile(engine.Step{
			Name: "advance", Reads: []string{"step"}, Replaces: []string{"sum"},
			Inputs: []engine.Spec{engine.FloatInput("times")}, Build: advance,
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 500 {
			if _, err := p.Run(t.Context(), engine.Scalar(1)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Read("sum")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]float32{500, 1000}, got[0].Floats()); diff != "" {
			t.Error(diff)
		}
	})
}

// An engine may read host memory in place; the collector must not take it away.
func TestStateOutlivesTheCollector(t *testing.T) {
	each(t, func(t *testing.T, e *engine.Engine) {
		const n = 1 << 16
		values := make([]float32, n)
		for i := range values {
			values[i] = 1
		}
		s, err := e.NewState([]engine.Variable{{Name: "ones", Value: engine.Floats(values, n)}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Compile(engine.Step{Name: "sum", Reads: []string{"ones"}, Build: func(v map[string]*graph.Node, _ []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
			return nil, []*graph.Node{graph.ReduceAllSum(v["ones"])}
		}})
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			runtime.GC()
			trash := make([]float32, n) // takes the place of what was freed
			for i := range trash {
				trash[i] = 7
			}
			got, err := p.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got[0].Floats()[0] != n {
				t.Fatalf("sum of %d ones is %v", n, got[0].Floats()[0])
			}
			runtime.KeepAlive(trash)
		}
	})
}

func TestStateRefuses(t *testing.T) {
	each(t, func(t *testing.T, e *engine.Engine) {
		s := counter(t, e)
		type nodes = map[string]*graph.Node
		steps := map[string]engine.Step{
			"unknown variable": {Reads: []string{"nobody"}},
			"named twice":      {Reads: []string{"sum"}, Replaces: []string{"sum"}},
			"no new value":     {Replaces: []string{"sum"}, Build: func(v nodes, _ []*graph.Node) (nodes, []*graph.Node) { return nil, nil }},
			"other value":      {Replaces: []string{"sum"}, Build: func(v nodes, _ []*graph.Node) (nodes, []*graph.Node) { return nodes{"total": graph.Neg(v["sum"])}, nil }},
			"other shape": {Replaces: []string{"sum"}, Build: func(v nodes, _ []*graph.Node) (nodes, []*graph.Node) {
				return nodes{"sum": graph.ReduceAllSum(v["sum"])}, nil
			}},
			"unchanged": {Replaces: []string{"sum"}, Build: func(v nodes, _ []*graph.Node) (nodes, []*graph.Node) { return nodes{"sum": v["sum"]}, nil }},
			"shared": {Replaces: []string{"sum", "step"}, Build: func(v nodes, _ []*graph.Node) (nodes, []*graph.Node) {
				n := graph.Neg(v["sum"])
				return nodes{"sum": n, "step": n}, nil
			}},
		}
		for name, step := range steps {
			step.Name = "step of " + name
			if _, err := s.Compile(step); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), step.Name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		twice := []engine.Variable{{Name: "a", Value: engine.Scalar(1)}, {Name: "a", Value: engine.Scalar(1)}}
		if _, err := e.NewState(twice); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("same name twice: %v", err)
		}
		if _, err := s.Read("nobody"); !errors.Is(err, loopitr.ErrNotFound) {
			t.Errorf("unknown variable: %v", err)
		}
		if err := s.Write("sum", engine.Scalar(1)); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("write of another shape: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.Read(); !errors.Is(err, loopitr.ErrUnavailable) {
			t.Errorf("closed state: %v", err)
		}
	})
}
