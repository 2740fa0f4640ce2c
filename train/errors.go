package train

import (
	"errors"
	"fmt"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/durable"
)

// kind gives a full disk its kind of error.
func kind(err error) error {
	if durable.Full(err) && !errors.Is(err, loopitr.ErrUnavailable) {
		return fmt.Errorf("%w (%w)", err, loopitr.ErrUnavailable)
	}
	return err
}
