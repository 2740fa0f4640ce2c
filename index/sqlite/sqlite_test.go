package sqlite_test

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/indextest"
	"github.com/loopitr/loopitr/index/sqlite"
)

func store(tokens sqlite.Tokens, tokenError float64) indextest.Store {
	return indextest.Store{
		Open: func(ctx context.Context, p indextest.Place) (loopitr.Index, error) {
			x, err := sqlite.Open(ctx, filepath.Join(p.Folder, "made", "index.db"),
				sqlite.Config{Fingerprint: p.Fingerprint, Rebuild: p.Rebuild, Tokens: tokens})
			if err != nil {
				return nil, err
			}
			return x, nil
		},
		TokenError: tokenError,
	}
}

func TestIndexWithInt8Tokens(t *testing.T) {
	// Half a step of 1/127, and the rounding of scale and product.
	indextest.Run(t, store(sqlite.Int8Tokens, 0.5/127*1.001))
}

func uint32frombits(v float32) uint32 { return math.Float32bits(v) }
