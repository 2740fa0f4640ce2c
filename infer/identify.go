package infer

import (
	"errors"
	"fmt"

	"github.com/loopitr/loopitr/checkpoint"
)

// Identify reads a model's configuration and fingerprint without loading its
// weights. The error is as Open's.
func Identify(dir string) (c Config, fingerprint string, err error) {
	stored, err := checkpoint.Open(dir)
	if err != nil {
		return c, "", err
	}
	defer func() { err = errors.Join(err, stored.Close()) }()
	if err := stored.Config(&c); err != nil {
		return c, "", err
	}
	if err := c.Validate(); err != nil {
		return c, "", fmt.Errorf("model %q: %w", dir, err)
	}
	fingerprint, err = stored.Fingerprint(c.encoding())
	return c, fingerprint, err
}
