package train

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/infer"
)

// keep makes the run's folder the model of this moment.
func (r *run) keep(v *ValidationMeasure) error {
	shapes := infer.Shapes(r.Config.Network)
	sources := make([]checkpoint.Shape, len(shapes))
	for i, s := range shapes {
		sources[i] = s
		if r.Config.Average > 0 && !r.Config.frozen(s.Name) {
			sources[i].Name = averagePrefix + s.Name
		}
	}
	weights, err := download(r.state, sources)
	if err != nil {
		return err
	}
	for i := range weights {
		weights[i].Name = shapes[i].Name
	}
	var vocabulary bytes.Buffer
	if _, err := r.vocabulary.WriteTo(&vocabulary); err != nil {
		return err
	}
	config := r.modelConfig()
	config.Training = &infer.Training{Steps: int(r.at.Step), Pairs: r.at.Pairs, Seconds: r.at.Seconds, Seed: r.Config.Seed}
	if v != nil {
		config.Training.DualSum, config.Training.RerankedSum = v.DualSum, v.RerankedSum
		config.ScoreWeight = v.ScoreWeight
	}
	return checkpoint.Save(r.folder.model, checkpoint.Parts{
		Config: config, Weights: weights, Store: r.Config.Store, Vocabulary: vocabulary.Bytes(), Card: r.card(v),
	})
}

// modelConfig is what the trained model's config.json says before training's own
// part.
func (r *run) modelConfig() infer.Config {
	return infer.Config{Network: r.Config.Network, Pixels: r.Config.Pixels, Captions: r.Config.Captions}
}

// card is the model's README.md.
func (r *run) card(v *ValidationMeasure) string {
	var b strings.Builder
	c := r.Config
	parameters := 0
	for _, p := range c.Network.Params() {
		parameters += p.Size()
	}
	fmt.Fprintf(&b, "# LoopITR network\n\nA dual encoder that finds and a cross encoder that judges, in one network of %d parameters,\ntrained by loopitr.\n\n## Origin\n\n", parameters)
	if r.Origin == "" {
		b.WriteString("Trained from scratch.\n\n")
	} else {
		fmt.Fprintf(&b, "Trained on from %s.\n\n", r.Origin)
	}
	fmt.Fprintf(&b, "## Training\n\n- %d pictures with captions; %d pairs seen in %d steps of %d, %.0f seconds, seed %d\n",
		len(r.pictures.records), r.at.Pairs, r.at.Step, c.Batch, r.at.Seconds, c.Seed)
	fmt.Fprintf(&b, "- contrast %g, match %g (%s), distill %g (%s, %s), masked tokens %g\n",
		c.Loss.Contrast.Weight, c.Loss.Match.Weight, c.Loss.Match.Objective,
		c.Loss.Distill.Weight, c.Loss.Distill.Objective, c.Loss.Distill.Direction, c.Loss.MaskedTokens.Weight)
	fmt.Fprintf(&b, "- %d hard negatives each way, %s\n- the whole recipe is in run/run.json\n", c.Negatives.Count, c.Negatives.Sampler)
	if v != nil {
		fmt.Fprintf(&b, "\n## Validation\n\n| | R@1 image to text | text to image | R@10 image to text | text to image | sum of six |\n|---|---|---|---|---|---|\n")
		row := func(name string, r1, r10 [2]float64, sum float64) {
			fmt.Fprintf(&b, "| %s | %.1f | %.1f | %.1f | %.1f | %.1f |\n", name, r1[0], r1[1], r10[0], r10[1], sum)
		}
		row("dual", v.DualR1, v.DualR10, v.DualSum)
		row("re-ranked", v.RerankedR1, v.RerankedR10, v.RerankedSum)
	}
	b.WriteString("\n## Licence\n\nNone is stated: write here under which terms these weights may be used. Their pictures, captions and origin\nmay set terms of their own.\n")
	b.WriteString("\n## Limits\n\nIt knows what its training pictures and captions showed, in their language and style.\n")
	return b.String()
}
