package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr"
)

type inner struct {
	Objective string  `json:"objective"`
	Weight    float64 `json:"weight"`
}

type outer struct {
	Count  int      `json:"count"`
	Loss   inner    `json:"loss"`
	Freeze []string `json:"freeze"`
	On     bool     `json:"on"`
}

func TestApplySettings(t *testing.T) {
	var got outer
	err := applySettings(&got, []string{"count=4", "loss.objective=listwise", "loss.weight=0.5", `freeze=["vision"]`, "on=true"})
	if err != nil {
		t.Fatal(err)
	}
	want := outer{Count: 4, Loss: inner{"listwise", 0.5}, Freeze: []string{"vision"}, On: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for value, want := range map[string][]string{"vision": {"vision"}, "vision,text": {"vision", "text"}, "[]": {}} {
		if err := applySettings(&got, []string{"freeze=" + value}); err != nil {
			t.Errorf("freeze=%s: %v", value, err)
		} else if diff := cmp.Diff(want, got.Freeze); diff != "" {
			t.Errorf("freeze=%s: %s", value, diff)
		}
	}
}

func TestApplySettingsRefuses(t *testing.T) {
	for setting, want := range map[string]string{
		"loss.objectiv=x": "known keys are count, freeze, loss.objective, loss.weight, on",
		"loss=1":          "no such key",
		"count.x=1":       "no such key",
		"count=many":      `count="many"`,
		"count":           "want key=value",
	} {
		err := applySettings(&outer{}, []string{setting})
		if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", setting, err, want)
		}
	}
}
