package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/loopitr/loopitr/train"
)

// observer shows a training: steps in the live line, validations and news as
// lines that stay.
func observer(skips *skipLog) func(train.Progress) {
	line := skips.line
	return func(p train.Progress) {
		switch {
		case p.Skipped.Path != "":
			skips.add(p.Skipped.Path, p.Skipped.Err)
		case p.Note != "":
			line.Keep(p.Note)
		case p.Measure.Validation != nil:
			line.Keep(validationText(p.Measure))
		case p.Measure.Train != nil:
			line.Update(stepText(p))
		case p.Stage != "":
			line.Count(terminal.Count{Stage: p.Stage, Done: p.Done, Total: p.Total})
		}
	}
}

// lossParts is the order in which the parts of the loss are shown.
var lossParts = []string{"contrast", "match", "distill", "masked_tokens"}

func stepText(p train.Progress) string {
	var b strings.Builder
	m := p.Measure.Train
	fmt.Fprintf(&b, "step %d", p.Measure.Step)
	if p.Steps > 0 {
		fmt.Fprintf(&b, "/%d", p.Steps)
	}
	if p.Left > 0 {
		b.WriteString("  " + terminal.Left(p.Left))
	}
	// What a line of 80 columns cuts off comes last.
	fmt.Fprintf(&b, "  %.0f pairs/s  temperature %.4f  loss %.3f (", m.PairsPerSecond, m.Temperature, m.Loss)
	separator := ""
	for _, part := range lossParts {
		if v, ok := m.Parts[part]; ok && v != 0 {
			fmt.Fprintf(&b, "%s%s %.3f", separator, part, v)
			separator = ", "
		}
	}
	fmt.Fprintf(&b, ")  gradient %.2f", m.GradientNorm)
	if m.SkippedRows > 0 {
		fmt.Fprintf(&b, "  %.1f%% rows skipped", 100*m.SkippedRows)
	}
	return b.String()
}

func validationText(m train.Measure) string {
	v := m.Validation
	best := ""
	if v.Best {
		best = "  (best so far: kept)"
	}
	return fmt.Sprintf("validation at step %d, %s: dual R@1 %.1f/%.1f R@10 %.1f/%.1f sum %.1f; re-ranked R@1 %.1f/%.1f R@10 %.1f/%.1f sum %.1f%s",
		m.Step, timeOf(m.Seconds), v.DualR1[0], v.DualR1[1], v.DualR10[0], v.DualR10[1], v.DualSum,
		v.RerankedR1[0], v.RerankedR1[1], v.RerankedR10[0], v.RerankedR10[1], v.RerankedSum, best)
}

// trained is train's result as JSON.
type trained struct {
	Model string `json:"model"`
	train.Measure
	Best *train.ValidationMeasure `json:"best,omitempty"`
}

func printTrained(w io.Writer, dir string, r train.Result, asJSON bool) error {
	if asJSON {
		return printJSON(w, trained{dir, r.Measure, r.Best})
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "model\t%s\n", dir)
	fmt.Fprintf(t, "trained\t%d steps, %d pairs, %s\n", r.Step, r.Pairs, timeOf(r.Seconds))
	if b := r.Best; b != nil {
		fmt.Fprintf(t, "\nbest on validation\tR@1 image to text\ttext to image\tR@10 image to text\ttext to image\tsum of six\n")
		row := func(name string, r1, r10 [2]float64, sum float64) {
			fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\n", name, r1[0], r1[1], r10[0], r10[1], sum)
		}
		row("dual", b.DualR1, b.DualR10, b.DualSum)
		row("re-ranked", b.RerankedR1, b.RerankedR10, b.RerankedSum)
	}
	return t.Flush()
}
