package train

import (
	"math"
	"testing"

	"github.com/loopitr/loopitr/loss"
)

func TestRateByHand(t *testing.T) {
	cosine := Optimizer{LearningRate: 8, FinalRate: 0.25, WarmUp: 4, Schedule: Cosine}
	constant := cosine
	constant.Schedule, constant.CoolDown = Constant, 0.2
	for _, test := range []struct {
		name      string
		optimizer Optimizer
		step      int
		progress  float64
		want      float64
	}{
		{"first step of the warm-up", cosine, 0, 0, 2},
		{"last step of the warm-up", cosine, 3, 0, 8},
		{"after the warm-up", cosine, 4, 0, 8},
		{"warm-up of a run that falls already", cosine, 1, 0.5, 2.5},
		{"a third of cosine", cosine, 9, 1. / 3, 6.5},
		{"half of cosine", cosine, 9, 0.5, 5},
		{"end of cosine", cosine, 9, 1, 2},
		{"time that ran over", cosine, 9, 1.5, 2},
		{"constant before it falls", constant, 9, 0.8, 8},
		{"constant, half of the fall", constant, 9, 0.9, 5},
		{"constant at its end", constant, 9, 1, 2},
	} {
		if got := test.optimizer.Rate(test.step, test.progress); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// What a step multiplies by: distillation and hardness count from the first step of
// the whole loop, the average from the first of all.
func TestStepSizeByHand(t *testing.T) {
	c := Config{Optimizer: Optimizer{LearningRate: 1, FinalRate: 1, Schedule: Cosine, Beta1: 0.5, Beta2: 0.75}}
	c.Loss.Distill = loss.DistillConfig{Weight: 2, WarmupSteps: 4}
	c.Hardness, c.Average = Hardness{From: 0.2, Steps: 4}, 0.9
	for _, test := range []struct {
		name        string
		step, alone int64
		want        stepSize
	}{
		{"first", 0, 0, stepSize{1, 2, 2, 0, 0.2, 0.9}},
		{"second", 1, 0, stepSize{1, 4. / 3, float32(math.Sqrt(16. / 7)), 0.5, 0.4, 9. / 11}},
		{"second of a dual encoder alone", 1, 1, stepSize{1, 4. / 3, float32(math.Sqrt(16. / 7)), 0, 0.2, 9. / 11}},
		{"after warm-ups", 80, 10, stepSize{1, 1, 1, 2, 1, 0.1}},
	} {
		got := c.stepSize(test.step, test.alone, 0)
		for what, pair := range map[string][2]float32{
			"rate": {got.rate, test.want.rate}, "first moment": {got.correct1, test.want.correct1}, "second moment": {got.correct2, test.want.correct2},
			"distill": {got.distill, test.want.distill}, "hardness": {got.hardness, test.want.hardness}, "average": {got.average, test.want.average},
		} {
			if math.Abs(float64(pair[0]-pair[1])) > 1e-6 {
				t.Errorf("%s: %s is %v, want %v", test.name, what, pair[0], pair[1])
			}
		}
	}
}

func TestShownPatchesByHand(t *testing.T) {
	for _, test := range []struct {
		patches Patches
		step    int64
		want    int
	}{
		{Patches{}, 0, 0}, {Patches{Drop: 0.5, Steps: 3}, 2, 8}, {Patches{Drop: 0.5, Steps: 3}, 3, 0}, {Patches{Drop: 0.99, Steps: 3}, 0, 1},
	} {
		if got := test.patches.shown(16, test.step); got != test.want {
			t.Errorf("%+v at step %d shows %d of 16, want %d", test.patches, test.step, got, test.want)
		}
	}
}
