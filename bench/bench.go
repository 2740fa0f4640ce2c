package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/internal/simd"
)

// Config says what to measure.
type Config struct {
	// Engine is the engine under test, by its name as engine.Open takes it.
	Engine string
	// Peers are who is measured beside it, of Peers().
	Peers []string
	// Only are the rows to measure, of Rows(); none means all.
	Only []string
	// Python is the interpreter that has the peers' modules.
	Python string
	// Rounds is how often contenders take turns. Budget is how long one contender
	// may take for one row: slow ones get fewer rounds.
	Rounds int
	Budget time.Duration
	// Short measures tiny sizes once: whether it works, not how fast.
	Short bool
	// Observe hears what is being measured. It may be nil.
	Observe func(what string)
}

// Default measures everything with everybody.
func Default() Config {
	return Config{Engine: engine.Default, Peers: Peers(), Python: "python3", Rounds: 7, Budget: 20 * time.Second}
}

// Peers lists who can be measured beside the engine under test.
func Peers() []string { return []string{peerONNX, peerGo, peerTorch, peerFaiss, peerPillow} }

const (
	peerONNX   = "onnx"
	peerGo     = "go"
	peerTorch  = "torch"
	peerFaiss  = "faiss"
	peerPillow = "pillow"
)

// Validate names the first field that cannot work; the error wraps
// loopitr.ErrInvalid.
func (c Config) Validate() error {
	for _, list := range []struct {
		field      string
		given, all []string
	}{{"peer", c.Peers, Peers()}, {"row", c.Only, Rows()}} {
		for _, name := range list.given {
			if !slices.Contains(list.all, name) {
				return fmt.Errorf("bench: there is no %s %q, there are %v: %w", list.field, name, list.all, loopitr.ErrInvalid)
			}
		}
	}
	if c.Rounds < 1 || c.Budget <= 0 {
		return fmt.Errorf("bench: %d rounds within %v: %w", c.Rounds, c.Budget, loopitr.ErrInvalid)
	}
	return nil
}

// session is one call of Run.
type session struct {
	Config
	threads int
	engines map[string]*engine.Engine
	pythons map[string]*python
	// versions say what the peers that came are.
	versions map[string]string
}

// Run measures. The error is ctx's, or wraps loopitr.ErrInvalid for a config
// that cannot work; a contender that fails is a line of the report.
func Run(ctx context.Context, c Config) (_ Report, err error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	if c.Observe == nil {
		c.Observe = func(string) {}
	}
	s := &session{
		Config: c, threads: runtime.GOMAXPROCS(0),
		engines: map[string]*engine.Engine{}, pythons: map[string]*python{}, versions: map[string]string{},
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if _, err := s.engine(c.Engine); err != nil {
		return Report{}, err
	}
	r := Report{
		Machine: runtime.GOOS + "/" + runtime.GOARCH, Processors: s.threads, SIMD: simd.Active().String(),
		Engine: c.Engine, Date: time.Now().UTC().Format(time.DateOnly), Short: c.Short, PeakGFLOPS: s.peak(500 * time.Millisecond),
		Versions: s.versions,
	}
	for _, row := range s.rows() {
		if len(c.Only) > 0 && !slices.Contains(c.Only, row.name) {
			continue
		}
		c.Observe(row.name + " " + row.size)
		lines, err := s.measure(ctx, row)
		if err != nil {
			return r, err
		}
		r.Rows = append(r.Rows, Row{Name: row.name, Size: row.size, Unit: row.unit, Lines: lines})
	}
	return r, nil
}

// engine opens an engine at its first use.
func (s *session) engine(name string) (*engine.Engine, error) {
	if e := s.engines[name]; e != nil {
		return e, nil
	}
	e, err := engine.Open(name)
	if err == nil {
		s.engines[name] = e
	}
	return e, err
}

func (s *session) close() error {
	var errs []error
	for _, p := range s.pythons {
		errs = append(errs, p.close())
	}
	for _, e := range s.engines {
		errs = append(errs, e.Close())
	}
	return errors.Join(errs...)
}
