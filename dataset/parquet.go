package dataset

import (
	"fmt"

	"github.com/loopitr/loopitr"
)

func readParquet(_ *builder, path string) error {
	return fmt.Errorf("read %s: Parquet: %w", path, loopitr.ErrUnavailable)
}
