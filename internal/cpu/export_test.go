package cpu

import (
	"fmt"

	"github.com/gomlx/compute"
)

// Steps names what an executable runs, in order, and counts the instructions of its
// tile programs.
func Steps(e *Executable) (kinds []string, instructions int) {
	for _, s := range e.program.steps {
		kinds = append(kinds, kind(s))
		if t, ok := s.(*tileStep); ok {
			instructions += len(t.program.code)
		}
	}
	return kinds, instructions
}

func kind(s step) string {
	switch s := s.(type) {
	case *tileStep:
		return "tiles"
	case *matrixProduct:
		if s.bias >= 0 {
			return "product and bias"
		}
		return "product"
	case *movement:
		return "movement"
	case *attentionStep:
		if s.backward {
			return "attention gradient"
		}
		return "attention"
	}
	return fmt.Sprintf("%T", s)
}

// Pooled is how many bytes a backend keeps for reuse.
func Pooled(b compute.Backend) int { return b.(*Backend).memory.pooled }

// Limit makes a backend refuse more than n bytes at once.
func Limit(b compute.Backend, n uint64) { b.(*Backend).memory.limit = n }

// HoldsOperands tells whether the workers' idle memory still names what they read.
func HoldsOperands(b compute.Backend) bool {
	for _, s := range b.(*Backend).memory.idle {
		for i := range s.workers {
			w := &s.workers[i]
			if w.tile.frame != nil || w.product.A.Values != nil || w.attention.Q.Values != nil {
				return true
			}
		}
	}
	return false
}
