package engine

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"

	"github.com/loopitr/loopitr"
)

// goParallelism is the worker bound of upstream's Go engine. With its default
// (twice the cores) a training step on two cores waits on itself forever;
// measured 2026-11 on two cores: 4 hangs, 16 does not.
const goParallelism = 16

// openGo opens upstream's Go engine. Options are upstream's.
func openGo(options string) (compute.Backend, error) {
	parallelism := goParallelism
	var rest []string
	for option := range strings.SplitSeq(options, ",") {
		value, ours := strings.CutPrefix(option, "parallelism=")
		if !ours {
			rest = append(rest, option)
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("parallelism %q is not a positive number: %w", value, loopitr.ErrInvalid)
		}
		parallelism = n
	}
	backend, err := gobackend.New(strings.Join(rest, ","))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, loopitr.ErrInvalid)
	}
	// Upstream's own parallelism option prints to standard output, so the same
	// setter is called here; its package is internal, hence reflection.
	workers := reflect.ValueOf(backend).Elem().FieldByName("Workers")
	workers.MethodByName("SetMaxParallelism").Call([]reflect.Value{reflect.ValueOf(parallelism)})
	return backend, nil
}
