package eval

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/loopitr/loopitr/recall"
)

// Table prints the result for people: dual and re-ranked under each other in both
// directions, with the gap, intervals, candidates, pairs and times.
func (r Result) Table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s; recall in percent", count(r.Images, "picture"), count(r.Captions, "caption"))
	if r.Level > 0 {
		fmt.Fprintf(&b, ", %.3g%% interval in brackets", 100*r.Level)
	}
	b.WriteByte('\n')
	if len(r.Skipped) > 0 {
		fmt.Fprintf(&b, "%s left out; the first: %s\n", count(len(r.Skipped), "picture"), r.Skipped[0].Reason)
	}
	r.direction(&b, "image to text", func(r recall.Report) recall.Direction { return r.ImageToText }, func(g recall.Gap) recall.DirectionGap { return g.ImageToText })
	r.direction(&b, "text to image", func(r recall.Report) recall.Direction { return r.TextToImage }, func(g recall.Gap) recall.DirectionGap { return g.TextToImage })
	b.WriteByte('\n')
	r.sums(&b)
	r.times(&b)
	return b.String()
}

func (r Result) direction(b *strings.Builder, name string, side func(recall.Report) recall.Direction, gapSide func(recall.Gap) recall.DirectionGap) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\n%s\tR@1\tR@5\tR@10\tmedian\tmean\tmAP@R\n", name)
	row := func(label string, d recall.Direction) {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%.1f\t%.1f\t%s\n", label,
			percent(d.R1, d.Intervals.R1), percent(d.R5, d.Intervals.R5), percent(d.R10, d.Intervals.R10),
			d.MedianRank, d.MeanRank, percent(d.MAPR, d.Intervals.MAPR))
	}
	row("dual", side(r.Dual))
	for _, rr := range r.rows() {
		row(rr.label(), side(rr.Report))
		g := gapSide(rr.Gap)
		fmt.Fprintf(w, "    gap\t%s\t%s\t%s\t\t\t%s\n", points(g.R1, g.Intervals.R1), points(g.R5, g.Intervals.R5),
			points(g.R10, g.Intervals.R10), points(g.MAPR, g.Intervals.MAPR))
	}
	_ = w.Flush() // Into memory.
}

// rows are the re-ranked reports, the paper's rule first.
func (r Result) rows() []*Reranked {
	var rows []*Reranked
	for _, rr := range []*Reranked{r.MatchOnly, r.Reranked} {
		if rr != nil {
			rows = append(rows, rr)
		}
	}
	return rows
}

func (r *Reranked) label() string {
	if r.Weight == 0 {
		return fmt.Sprintf("re-ranked %d, match only", r.K)
	}
	return fmt.Sprintf("re-ranked %d, match + %.3g dual", r.K, r.Weight)
}

func percent(v float64, i recall.Interval) string { return bracketed("%.1f", v, i) }

// points are of a difference, so they have a sign.
func points(v float64, i recall.Interval) string { return bracketed("%+.1f", v, i) }

func bracketed(format string, v float64, i recall.Interval) string {
	if i == (recall.Interval{}) {
		return fmt.Sprintf(format, v)
	}
	return fmt.Sprintf(format+" ["+format+" "+format+"]", v, i[0], i[1])
}

func (r Result) sums(b *strings.Builder) {
	fmt.Fprintf(b, "R-sum: dual %s", percent(r.Dual.RSum, r.Dual.RSumInterval))
	for _, rr := range r.rows() {
		fmt.Fprintf(b, "; %s %s (%s)", rr.label(), percent(rr.RSum, rr.RSumInterval), points(rr.Gap.RSum, rr.Gap.RSumInterval))
	}
	b.WriteByte('\n')
}

func (r Result) times(b *strings.Builder) {
	s := r.Seconds
	fmt.Fprintf(b, "time: pictures %.1f s, captions %.1f s, dual %.1f s", s.EncodeImages, s.EncodeTexts, s.Dual)
	if rr := r.Reranked; rr != nil {
		fmt.Fprintf(b, ", re-ranking %.1f s (%s", s.Rerank, count(rr.Pairs, "pair"))
		if s.Rerank > 0 {
			fmt.Fprintf(b, ", %.0f/s", float64(rr.Pairs)/s.Rerank)
		}
		b.WriteByte(')')
	}
	b.WriteByte('\n')
}

// count writes a number with its noun and with commas between thousands.
func count(n int, noun string) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if n != 1 {
		noun += "s"
	}
	return digits + " " + noun
}
