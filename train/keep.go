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
	r.dataCard(&b)
	fmt.Fprintf(&b, "\n## Recipe\n\n- %d pairs seen in %d steps of %d, %.0f seconds, seed %d\n", r.at.Pairs, r.at.Step, c.Batch, r.at.Seconds, c.Seed)
	fmt.Fprintf(&b, "- contrast %g, match %g (%s), distill %g (%s, %s), masked tokens %g\n",
		c.Loss.Contrast.Weight, c.Loss.Match.Weight, c.Loss.Match.Objective,
		c.Loss.Distill.Weight, c.Loss.Distill.Objective, c.Loss.Distill.Direction, c.Loss.MaskedTokens.Weight)
	fmt.Fprintf(&b, "- %d hard negatives each way, %s\n- the whole recipe is in run/run.json\n", c.Negatives.Count, c.Negatives.Sampler)
	resultsCard(&b, v)
	b.WriteString("\n## Licence\n\nNone is stated: write here under which terms these weights may be used. Their pictures, captions and origin\nmay set terms of their own.\n")
	b.WriteString("\n## Limits\n\nIt knows what its training pictures and captions showed, in their language and style.\n")
	return b.String()
}

// dataCard says what the run learns from and measures itself on.
func (r *run) dataCard(b *strings.Builder) {
	captions := 0
	for _, record := range r.pictures.records {
		captions += len(record.Captions)
	}
	fmt.Fprintf(b, "## Data\n\n- %d pictures with %d captions to learn from\n", len(r.pictures.records), captions)
	if r.held != nil {
		fmt.Fprintf(b, "- %d pictures to validate on\n", len(r.held.records))
	}
}

// resultsCard says what validation found of these very weights, if there was one.
func resultsCard(b *strings.Builder, v *ValidationMeasure) {
	b.WriteString("\n## Results\n\n")
	if v == nil {
		b.WriteString("None measured: there was no validation. `loopitr eval` measures.\n")
		return
	}
	b.WriteString("| validation | R@1 image to text | text to image | R@10 image to text | text to image | sum of six |\n|---|---|---|---|---|---|\n")
	row := func(name string, r1, r10 [2]float64, sum float64) {
		fmt.Fprintf(b, "| %s | %.1f | %.1f | %.1f | %.1f | %.1f |\n", name, r1[0], r1[1], r10[0], r10[1], sum)
	}
	row("dual", v.DualR1, v.DualR10, v.DualSum)
	row("re-ranked", v.RerankedR1, v.RerankedR10, v.RerankedSum)
}
