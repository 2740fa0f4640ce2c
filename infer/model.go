package infer

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/wordpiece"
)

// Model is a network with its weights on an engine. It implements
// loopitr.Preparer, loopitr.Encoder and loopitr.Matcher and may be used
// concurrently.
type Model struct {
	config      Config
	tokenizer   *wordpiece.Tokenizer
	weights     *engine.State
	names       []string // of the parameters
	variables   []string // what the state calls each
	owned       bool     // weights are closed with the model
	fingerprint string
	programs    programs
}

var (
	_ loopitr.Preparer = (*Model)(nil)
	_ loopitr.Encoder  = (*Model)(nil)
	_ loopitr.Matcher  = (*Model)(nil)
)

// Open loads the model in dir onto e. The error wraps loopitr.ErrNotFound,
// loopitr.ErrInvalid or loopitr.ErrCorrupt as checkpoint.Open's and
// Model.Weights' do; a vocabulary or configuration that does not fit the weights
// wraps loopitr.ErrInvalid.
func Open(dir string, e *engine.Engine) (_ *Model, err error) {
	stored, err := checkpoint.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stored.Close()) }()
	var config Config
	if err := stored.Config(&config); err != nil {
		return nil, err
	}
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("open model %q: %w", dir, err)
	}
	vocabulary, err := wordpiece.ReadVocabulary(bytes.NewReader(stored.Vocabulary()))
	if err != nil {
		return nil, fmt.Errorf("open model %q: %w", dir, err)
	}
	tensors, err := stored.Weights(Shapes(config.Network))
	if err != nil {
		return nil, err
	}
	fingerprint, err := stored.Fingerprint(config.encoding())
	if err != nil {
		return nil, err
	}
	variables := make([]engine.Variable, len(tensors))
	for i, t := range tensors {
		variables[i] = engine.Variable{Name: t.Name, Value: engine.Floats(t.Values, t.Dims...)}
	}
	weights, err := e.NewState(variables)
	if err != nil {
		return nil, fmt.Errorf("open model %q: %w", dir, err)
	}
	m, err := New(Parts{Config: config, Vocabulary: vocabulary, Weights: weights, Fingerprint: fingerprint})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open model %q: %w", dir, err), weights.Close())
	}
	m.owned = true
	return m, nil
}

// Shapes lists the tensors that weights of a network have on disk.
func Shapes(c network.Config) []checkpoint.Shape {
	var shapes []checkpoint.Shape
	for _, p := range c.Params() {
		shapes = append(shapes, checkpoint.Shape{Name: p.Name, Dims: p.Shape})
	}
	return shapes
}

// Parts are what a model is made of.
type Parts struct {
	Config     Config
	Vocabulary *wordpiece.Vocabulary
	// Weights hold at least the network's parameters, by name. They stay the
	// caller's: a model over the weights of a running training sees each update.
	Weights     *engine.State
	Fingerprint string // empty where nothing is stored
	// Prefix is what the weights call a parameter by, where they have both: a
	// running average beside the weight itself.
	Prefix string
}

// New makes a model of its parts; it must be closed before the weights are.
func New(p Parts) (*Model, error) {
	if err := p.Config.Validate(); err != nil {
		return nil, err
	}
	if have, want := p.Vocabulary.Size(), p.Config.Network.Text.Vocabulary; have != want {
		return nil, fmt.Errorf("model vocabulary: %d tokens, the network embeds %d: %w", have, want, loopitr.ErrInvalid)
	}
	tokenizer, err := wordpiece.New(p.Vocabulary, p.Config.Captions)
	if err != nil {
		return nil, err
	}
	m := &Model{config: p.Config, tokenizer: tokenizer, weights: p.Weights, fingerprint: p.Fingerprint}
	held := map[string]bool{}
	for _, spec := range p.Weights.Specs() {
		held[spec.Name] = true
	}
	for _, param := range p.Config.Network.Params() {
		variable := p.Prefix + param.Name
		if !held[variable] {
			variable = param.Name
		}
		m.names, m.variables = append(m.names, param.Name), append(m.variables, variable)
	}
	return m, nil
}

// Config is the model's configuration.
func (m *Model) Config() Config { return m.config }

// Fingerprint identifies weights and preprocessing; see loopitr.Encoder.
func (m *Model) Fingerprint() string { return m.fingerprint }

// Rule is the model's score rule: its temperature as the weights hold it now, and
// the weight that its configuration names. A model whose weights were closed gives
// the paper's rule.
func (m *Model) Rule() loopitr.ScoreRule {
	rule := loopitr.ScoreRule{Weight: m.config.ScoreWeight, Temperature: network.InitialTemperature}
	values, err := m.weights.Read(m.variables[slices.Index(m.names, network.TemperatureName)])
	if err != nil {
		return rule
	}
	t := float64(values[0].Floats()[0])
	rule.Temperature = float32(math.Min(math.Max(t, network.MinTemperature), network.MaxTemperature))
	return rule
}

// Close frees the compiled graphs, and the weights if Open loaded them.
func (m *Model) Close() error {
	err := m.programs.close()
	if m.owned {
		err = errors.Join(err, m.weights.Close())
	}
	return err
}
