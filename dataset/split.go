package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/loopitr/loopitr"
)

// Fractions are the shares of the three splits; they add up to 1.
type Fractions struct {
	Train, Val, Test float64
	Seed             uint64
}

// Validate names the share that can never work; it wraps loopitr.ErrInvalid.
func (f Fractions) Validate() error {
	for _, s := range []struct {
		name  string
		share float64
	}{{"train", f.Train}, {"val", f.Val}, {"test", f.Test}} {
		if math.IsNaN(s.share) || s.share < 0 || s.share > 1 {
			return fmt.Errorf("split: share %v of %s is not within 0 and 1: %w", s.share, s.name, loopitr.ErrInvalid)
		}
	}
	if sum := f.Train + f.Val + f.Test; math.Abs(sum-1) > 1e-9 {
		return fmt.Errorf("split: the shares %.6g of train, %.6g of val and %.6g of test add up to %.6g, not to 1: %w",
			f.Train, f.Val, f.Test, sum, loopitr.ErrInvalid)
	}
	return nil
}

// Split returns the records with new splits. A picture's split depends on the
// seed and its ID alone, so it stays where it is when others come or go; the
// shares are met on average.
func Split(records []Record, f Fractions) ([]Record, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	divided := make([]Record, len(records))
	for i, r := range records {
		at := position(r.ID, f.Seed)
		r.Split = "test"
		switch {
		case at < f.Train:
			r.Split = "train"
		case at < f.Train+f.Val || f.Test == 0:
			r.Split = "val"
		}
		if r.Split == "val" && f.Val == 0 { // rounding of shares that leave nothing for val and test
			r.Split = "train"
		}
		divided[i] = r
	}
	return divided, nil
}

// position is a number in [0, 1) that a picture's name and the seed determine.
func position(id string, seed uint64) float64 {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), id...))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}
