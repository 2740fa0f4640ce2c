package train_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/train"
)

// leaves lists the fields of a recipe as they are written, with their values.
func leaves(prefix string, v reflect.Value, to map[string]any) {
	if v.Kind() != reflect.Struct {
		to[prefix] = v.Interface()
		return
	}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		leaves(strings.TrimPrefix(prefix+"."+name, "."), v.Field(i), to)
	}
}

type change func(*train.Config)

// effect is a change of one field, from a recipe in which it matters.
type effect struct{ base, change change }

// speck is a recipe in which nearly every field matters, over the smallest network.
func speck() train.Config {
	c := tiny(2)
	c.Validation = train.Validation{Rerank: 1}
	v, t := &c.Network.Vision, &c.Network.Text
	v.Width, v.Hidden, t.Width, t.Hidden, t.MaskedModeling = 8, 8, 8, 8, true
	c.Loss.MaskedTokens = loss.MaskedTokensConfig{Weight: 0.5, Share: 0.3}
	c.Loss.Distill.Rows = loss.EveryRow
	c.Negatives.Count = 2
	c.Augment = pixels.FineTuning()
	c.Optimizer.WarmUp, c.Optimizer.WeightDecay = 0, 0.05
	return c
}

// measured makes a run validate itself; others do not, which is quicker.
func measured(c *train.Config) { c.Validation = train.Validation{Every: 1, Rerank: 16} }

func pointwise(c *train.Config) { c.Loss.Distill.Objective = loss.Pointwise }

func coloured(c *train.Config) { c.Augment.Colour.Share = 1 }

// moved gives every picture a border, which its fill is seen in.
func moved(c *train.Config) { c.Augment.Affine.Share, c.Augment.Affine.Translate = 1, 0.3 }

// effects has a change for every field that train reads itself. Those of network,
// pixels and captions are theirs to test.
var effects = map[string]effect{
	"vocabulary":                    {change: func(c *train.Config) { c.Vocabulary = 40 }},
	"seed":                          {change: func(c *train.Config) { c.Seed = 2 }},
	"batch":                         {change: func(c *train.Config) { c.Batch = 6 }},
	"sampling":                      {change: func(c *train.Config) { c.Sampling = dataset.Pairs }},
	"steps":                         {change: func(c *train.Config) { c.Steps = 4 }},
	"epochs":                        {change: func(c *train.Config) { c.Steps, c.Epochs = 0, 2 }},
	"for":                           {change: func(c *train.Config) { c.Steps, c.For = 0, 1 }},
	"optimizer.learning_rate":       {change: func(c *train.Config) { c.Optimizer.LearningRate *= 2 }},
	"optimizer.final_rate":          {change: func(c *train.Config) { c.Optimizer.FinalRate = 0.5 }},
	"optimizer.warm_up":             {change: func(c *train.Config) { c.Optimizer.WarmUp = 3 }},
	"optimizer.schedule":            {change: func(c *train.Config) { c.Optimizer.Schedule = train.Constant }},
	"optimizer.cool_down":           {func(c *train.Config) { c.Optimizer.Schedule = train.Constant }, func(c *train.Config) { c.Optimizer.CoolDown = 1 }},
	"optimizer.weight_decay":        {change: func(c *train.Config) { c.Optimizer.WeightDecay = 0 }},
	"optimizer.beta1":               {change: func(c *train.Config) { c.Optimizer.Beta1 = 0.5 }},
	"optimizer.beta2":               {change: func(c *train.Config) { c.Optimizer.Beta2 = 0.9 }},
	"optimizer.epsilon":             {change: func(c *train.Config) { c.Optimizer.Epsilon = 1e-3 }},
	"optimizer.clip":                {change: func(c *train.Config) { c.Optimizer.Clip = 0.01 }},
	"optimizer.rates.vision":        {change: func(c *train.Config) { c.Optimizer.Rates.Vision = 2 }},
	"optimizer.rates.text":          {change: func(c *train.Config) { c.Optimizer.Rates.Text = 2 }},
	"optimizer.rates.cross":         {change: func(c *train.Config) { c.Optimizer.Rates.Cross = 2 }},
	"optimizer.rates.heads":         {change: func(c *train.Config) { c.Optimizer.Rates.Heads = 2 }},
	"loss.contrast.weight":          {change: func(c *train.Config) { c.Loss.Contrast.Weight = 0 }},
	"loss.match.weight":             {change: func(c *train.Config) { c.Loss.Match.Weight = 2 }},
	"loss.match.objective":          {change: func(c *train.Config) { c.Loss.Match.Objective = loss.BinaryListwise }},
	"loss.distill.weight":           {change: func(c *train.Config) { c.Loss.Distill.Weight = 0 }},
	"loss.distill.objective":        {change: func(c *train.Config) { c.Loss.Distill.Objective = loss.Rank }},
	"loss.distill.direction":        {change: func(c *train.Config) { c.Loss.Distill.Direction = loss.DualToCross }},
	"loss.distill.temperature":      {change: func(c *train.Config) { c.Loss.Distill.Temperature = 0.01 }},
	"loss.distill.rows":             {change: func(c *train.Config) { c.Loss.Distill.Rows = loss.BetterRow }},
	"loss.distill.teacher_gradient": {change: func(c *train.Config) { c.Loss.Distill.TeacherGradient = true }},
	"loss.distill.warmup_steps":     {change: func(c *train.Config) { c.Loss.Distill.WarmupSteps = 9 }},
	"loss.distill.scale":            {pointwise, func(c *train.Config) { c.Loss.Distill.Scale = 2 }},
	"loss.distill.bias":             {pointwise, func(c *train.Config) { c.Loss.Distill.Bias = 2 }},
	"loss.masked_tokens.weight":     {change: func(c *train.Config) { c.Loss.MaskedTokens.Weight = 0 }},
	"loss.masked_tokens.share":      {change: func(c *train.Config) { c.Loss.MaskedTokens.Share = 0.6 }},
	"negatives.count":               {change: func(c *train.Config) { c.Negatives.Count = 1 }},
	"negatives.sampler":             {change: func(c *train.Config) { c.Negatives.Sampler = loss.Top }},
	"alone":                         {change: func(c *train.Config) { c.Alone = 0.4 }},
	"hardness.from":                 {func(c *train.Config) { c.Hardness.Steps = 9 }, func(c *train.Config) { c.Hardness.From = 30 }},
	"hardness.steps":                {func(c *train.Config) { c.Hardness.From = 0 }, func(c *train.Config) { c.Hardness.Steps = 30 }},
	"augment.min_scale":             {change: func(c *train.Config) { c.Augment.MinScale = 0.2 }},
	"augment.flip":                  {change: func(c *train.Config) { c.Augment.Flip = 0 }},
	"augment.ops":                   {change: func(c *train.Config) { c.Augment.Ops = 0 }},
	"augment.level":                 {change: func(c *train.Config) { c.Augment.Level = 1 }},
	"augment.affine.share":          {func(c *train.Config) { c.Augment.Affine.Translate = 0.3 }, func(c *train.Config) { c.Augment.Affine.Share = 1 }},
	"augment.affine.degrees":        {moved, func(c *train.Config) { c.Augment.Affine.Degrees = 30 }},
	"augment.affine.shear":          {moved, func(c *train.Config) { c.Augment.Affine.Shear = 30 }},
	"augment.affine.translate":      {moved, func(c *train.Config) { c.Augment.Affine.Translate = 0.1 }},
	"augment.affine.scale":          {moved, func(c *train.Config) { c.Augment.Affine.Scale = 0.3 }},
	"augment.affine.fill":           {moved, func(c *train.Config) { c.Augment.Affine.Fill = 200 }},
	"augment.colour.share":          {func(c *train.Config) { c.Augment.Colour.Contrast = 0.9 }, func(c *train.Config) { c.Augment.Colour.Share = 1 }},
	"augment.colour.brightness":     {coloured, func(c *train.Config) { c.Augment.Colour.Brightness = 0.9 }},
	"augment.colour.contrast":       {coloured, func(c *train.Config) { c.Augment.Colour.Contrast = 0.9 }},
	"augment.colour.saturation":     {coloured, func(c *train.Config) { c.Augment.Colour.Saturation = 0.9 }},
	"patches.drop":                  {func(c *train.Config) { c.Patches.Steps = 9 }, func(c *train.Config) { c.Patches.Drop = 0.5 }},
	"patches.steps":                 {func(c *train.Config) { c.Patches.Drop = 0.5 }, func(c *train.Config) { c.Patches.Steps = 1 }},
	"words.drop":                    {change: func(c *train.Config) { c.Words.Drop = 0.5 }},
	"freeze":                        {change: func(c *train.Config) { c.Freeze = []string{"cross"} }},
	"average":                       {change: func(c *train.Config) { c.Average = 0.5 }},
	"validation.every":              {measured, func(c *train.Config) { c.Validation.Every = 2 }},
	"validation.pictures":           {measured, func(c *train.Config) { c.Validation.Pictures = 5 }},
	"validation.rerank":             {measured, func(c *train.Config) { c.Validation.Rerank = 1 }},
	"store":                         {change: func(c *train.Config) { c.Store = safetensors.F16 }},
	"save_every":                    {change: func(c *train.Config) { c.SaveEvery = 1 }},
}

// elsewhere are fields whose change must not be seen in what a run leaves; other
// tests prove that they do their work.
var elsewhere = map[string]string{
	"chunk": "TestChunksGiveTheStepOfTheWholeBatch",
	// The captions here name colours.
	"augment.colour.hue":  "pixels.TestHuesAreGuardedByTheCaption",
	"augment.colour.grey": "pixels.TestHuesAreGuardedByTheCaption",
	"augment.convolve":    "pixels.TestHuesAreGuardedByTheCaption",

	"rematerialize": "TestRematerializedStepsAreTheSame",
}

func TestEveryFieldOfARecipeMatters(t *testing.T) {
	fields := map[string]any{}
	leaves("", reflect.ValueOf(train.Default(network.Nano())), fields)
	for name := range fields {
		owner, _, _ := strings.Cut(name, ".")
		if _, tested := effects[name]; !tested && elsewhere[name] == "" && !slices.Contains([]string{"network", "pixels", "captions"}, owner) {
			t.Errorf("no test changes %s", name)
		}
	}
	set, e := twoCaptions(t), openEngine(t)
	base := remains(t, set, e, speck())
	for name, effect := range effects {
		before, c := base, speck()
		if effect.base != nil {
			effect.base(&c)
			before = remains(t, set, e, c)
		}
		had := map[string]any{}
		leaves("", reflect.ValueOf(c), had)
		effect.change(&c)
		has := map[string]any{}
		leaves("", reflect.ValueOf(c), has)
		if reflect.DeepEqual(had[name], has[name]) {
			t.Errorf("the test does not change %s", name)
		}
		if reflect.DeepEqual(before, remains(t, set, e, c)) {
			t.Errorf("%s changed nothing", name)
		}
	}
}

// twoCaptions is sixteen with a second caption for each picture.
func twoCaptions(t *testing.T) *dataset.Set {
	t.Helper()
	table := writeSixteen(t, t.TempDir())
	content, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	var second strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(string(content)), "\n")[1:] {
		fmt.Fprintf(&second, "%s seen from above\n", line)
	}
	if err := os.WriteFile(table, append(content, second.String()...), 0o644); err != nil {
		t.Fatal(err)
	}
	return openSet(t, table)
}

// remains are what a run leaves in its folder, but for times.
func remains(t *testing.T, set *dataset.Set, e *engine.Engine, c train.Config) map[string]any {
	t.Helper()
	o := train.Options{Config: c, Dir: t.TempDir(), Train: set, Engine: e}
	if c.Validation.Every > 0 {
		o.Validation = set
	}
	dir := o.Dir
	if _, err := train.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	model, err := os.Stat(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	states, err := filepath.Glob(filepath.Join(dir, "run", "state-*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range states {
		states[i] = filepath.Base(states[i])
	}
	return map[string]any{"weights": weights(t, dir), "validated": validated(t, dir), "model": model.Size(), "states": states}
}

func TestRecipesThatCannotWorkNameTheField(t *testing.T) {
	for name, change := range map[string]change{
		"batch":          func(c *train.Config) { c.Batch = 1 },
		"chunk":          func(c *train.Config) { c.Chunk = 3 },
		"patches":        func(c *train.Config) { c.Patches.Drop = 1 },
		"words.drop":     func(c *train.Config) { c.Words.Drop = 1 },
		"alone":          func(c *train.Config) { c.Alone, c.Loss.Contrast.Weight = 0.5, 0 },
		"steps":          func(c *train.Config) { c.Epochs = 1 },
		"negatives":      func(c *train.Config) { c.Negatives.Count = 8 },
		"hardness":       func(c *train.Config) { c.Hardness.From = -1 },
		"average":        func(c *train.Config) { c.Average = 1 },
		"validation":     func(c *train.Config) { c.Validation.Rerank = 0 },
		"save_every":     func(c *train.Config) { c.SaveEvery = -1 },
		"freeze":         func(c *train.Config) { c.Freeze = []string{"everything"} },
		"masked_tokens":  func(c *train.Config) { c.Loss.MaskedTokens.Weight = 1 },
		"store":          func(c *train.Config) { c.Store = "F8" },
		"sampler":        func(c *train.Config) { c.Sampling = "alphabetical" },
		"vocabulary":     func(c *train.Config) { c.Vocabulary = -1 },
		"learning_rate":  func(c *train.Config) { c.Optimizer.LearningRate = 0 },
		"schedule":       func(c *train.Config) { c.Optimizer.Schedule = "steps" },
		"rates.cross":    func(c *train.Config) { c.Optimizer.Rates.Cross = -1 },
		"distill.weight": func(c *train.Config) { c.Loss.Distill.Weight = -1 },
	} {
		c := nano(5)
		change(&c)
		if err := c.Validate(); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want it named as invalid", name, err)
		}
	}
}
