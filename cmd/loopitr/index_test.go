package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
)

func TestStoppedIndexSaysWhatIsKept(t *testing.T) {
	full := fmt.Errorf("put into index: disk is full: %w", loopitr.ErrUnavailable)
	for _, one := range []struct {
		err  error
		says string
	}{
		{context.Canceled, "what is encoded is kept"},
		{fmt.Errorf("build index: %w", errors.Join(context.Canceled, full)), "disk is full"},
	} {
		got := stoppedBuild(one.err)
		if !strings.Contains(got.Error(), one.says) {
			t.Errorf("%v: got %q, want %q in it", one.err, got, one.says)
		}
		if errors.Is(got, context.Canceled) {
			t.Errorf("%v: got a cancellation, whose text nobody sees", one.err)
		}
	}
}
