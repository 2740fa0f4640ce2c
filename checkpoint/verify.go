package checkpoint

import (
	"fmt"

	"github.com/loopitr/loopitr"
)

// Verify reads all weights and compares them with the digest that was stored when
// the model was saved, whatever size and time the file has. The error wraps
// loopitr.ErrCorrupt when they differ and loopitr.ErrNotFound when no digest was
// stored, as in a folder put together by hand.
func (m *Model) Verify() error {
	sum, err := digest(m.weights)
	if err != nil {
		return fmt.Errorf("verify model %q: %w", m.dir, err)
	}
	switch known := m.envelope.Weights; {
	case known == nil:
		return fmt.Errorf("verify model %q: %s holds no digest of the weights: %w", m.dir, configFile, loopitr.ErrNotFound)
	case known.SHA256 != sum:
		return fmt.Errorf("verify model %q: %s is not the file that %s was saved with: %w", m.dir, weightsFile, configFile, loopitr.ErrCorrupt)
	}
	return nil
}
