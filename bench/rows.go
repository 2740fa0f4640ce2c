package bench

import (
	"context"
	"errors"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr/internal/engine"
)

// The rows' names.
const (
	rowProduct  = "product"
	rowForward  = "attention"
	rowGradient = "attention-gradient"
	rowStep     = "training-step"
	rowImages   = "encode-images"
	rowTexts    = "encode-texts"
	rowRerank   = "rerank"
	rowScan     = "scan"
	rowSearch   = "search"
	rowPicture  = "decode-resize"
)

// Rows lists what can be measured.
func Rows() []string {
	return []string{rowProduct, rowForward, rowGradient, rowStep, rowImages, rowTexts, rowRerank, rowScan, rowSearch, rowPicture}
}

func (s *session) rows() []row {
	return slices.Concat(s.products(), s.attentions(), s.steps(), s.encodings(), []row{s.rerank(), s.scan(), s.search()}, s.pictures())
}

func (s *session) wants(peer string) bool { return slices.Contains(s.Peers, peer) }

// competing offers work to the engine under test and to the engines beside it.
func (s *session) competing(o offer, open func(ctx context.Context, e *engine.Engine) (work, error)) []offer {
	var offers []offer
	for _, name := range []string{s.Engine, peerONNX, peerGo} {
		if name != s.Engine && !s.wants(name) || len(offers) > 0 && name == s.Engine {
			continue
		}
		o.name = name
		o.open = func(ctx context.Context) (work, error) {
			e, err := s.engine(name)
			if err != nil {
				return nil, err
			}
			return open(ctx, e)
		}
		offers = append(offers, o)
	}
	return offers
}

// resident is a graph whose operands and results stay on the engine, so that
// nothing but the graph is measured.
type resident struct {
	operands []engine.Variable
	results  []engine.Variable
	build    func(operands map[string]*graph.Node) (results map[string]*graph.Node)
}

func (r resident) open(_ context.Context, e *engine.Engine) (work, error) {
	state, err := e.NewState(slices.Concat(r.operands, r.results))
	if err != nil {
		return nil, err
	}
	step := engine.Step{Name: "bench", Build: func(v map[string]*graph.Node, _ []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
		return r.build(v), nil
	}}
	for _, v := range r.operands {
		step.Reads = append(step.Reads, v.Name)
	}
	for _, v := range r.results {
		step.Replaces = append(step.Replaces, v.Name)
	}
	program, err := state.Compile(step)
	if err != nil {
		return nil, errors.Join(err, state.Close())
	}
	return local{
		once: func(ctx context.Context) error { _, err := program.Run(ctx); return err },
		end:  func() error { return errors.Join(program.Close(), state.Close()) },
	}, nil
}

// variable is noise of a shape.
func variable(name string, shape ...int) engine.Variable {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return engine.Variable{Name: name, Value: engine.Floats(noise(n), shape...)}
}

// noise is n numbers within -1 and 1, the same every time.
func noise(n int) []float32 {
	values := make([]float32, n)
	state := uint64(88172645463325252)
	for i := range values {
		state ^= state << 13 // xorshift64 (Marsaglia 2003)
		state ^= state >> 7
		state ^= state << 17
		values[i] = float32(int32(state)) / (1 << 31)
	}
	return values
}
