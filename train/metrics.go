package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/loopitr/loopitr/internal/durable"
)

// Measure is one line of metrics.jsonl: what a stretch of steps came to, as means
// over the stretch, or what a validation found.
type Measure struct {
	Step    int     `json:"step"`    // steps done
	Pairs   int64   `json:"pairs"`   // pairs seen since the start of the run
	Seconds float64 `json:"seconds"` // training time since the start, over all sessions

	Train      *StepMeasure       `json:"train,omitempty"`
	Validation *ValidationMeasure `json:"validation,omitempty"`
}

// StepMeasure is the mean over the steps since the line before.
type StepMeasure struct {
	Loss           float64            `json:"loss"`
	Parts          map[string]float64 `json:"parts"` // by loss part, before weights
	Temperature    float64            `json:"temperature"`
	GradientNorm   float64            `json:"gradient_norm"` // before clipping
	LearningRate   float64            `json:"learning_rate"`
	SkippedRows    float64            `json:"skipped_rows"` // share of rows without a hard negative
	PairsPerSecond float64            `json:"pairs_per_second"`
}

// ValidationMeasure is the recall on the validation split, in percent.
type ValidationMeasure struct {
	DualSum     float64 `json:"dual_rsum"`
	RerankedSum float64 `json:"reranked_rsum"`
	// R@1 and R@10, image to text and text to image.
	DualR1      [2]float64 `json:"dual_r1"`
	DualR10     [2]float64 `json:"dual_r10"`
	RerankedR1  [2]float64 `json:"reranked_r1"`
	RerankedR10 [2]float64 `json:"reranked_r10"`
	ScoreWeight float32    `json:"score_weight"` // w of the score rule, chosen here
	Best        bool       `json:"best"`         // kept as the run's model
}

const metricsFile = "metrics.jsonl"

// maxMetrics bounds the bytes of the metrics: those of two million steps.
const maxMetrics = 64 << 20

// appendMeasure adds one line to the run's metrics, unless they are full.
func appendMeasure(dir string, m Measure) error {
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, metricsFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	facts, err := f.Stat()
	if err == nil && facts.Size()+int64(len(line)) < maxMetrics {
		_, err = f.Write(append(line, '\n'))
	}
	return errors.Join(err, f.Close())
}

// ReadMetrics returns the measures of the run in dir, oldest first; none if the
// run wrote none yet. A last line cut short by a kill is passed over. The error
// wraps loopitr.ErrInvalid when they are no plain file or over 64 MiB.
func ReadMetrics(dir string) ([]Measure, error) {
	content, err := durable.ReadFile(filepath.Join(dir, metricsFile), maxMetrics)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	var measures []Measure
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		var m Measure
		if json.Unmarshal(lines.Bytes(), &m) == nil {
			measures = append(measures, m)
		}
	}
	return measures, nil
}

// rewindMetrics drops the measures after the moment that a run resumes at: they will
// be made again. A kill may have come after a validation and before its save.
func rewindMetrics(dir string, at progress) error {
	measures, err := ReadMetrics(dir)
	if err != nil {
		return err
	}
	var kept bytes.Buffer
	for _, m := range measures {
		again := m.Validation != nil && at.Validated != at.Step
		if step := int64(m.Step); step > at.Step || step == at.Step && again {
			break
		}
		line, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("rewind metrics: %w", err)
		}
		if kept.Len()+len(line) >= maxMetrics { // a stranger's may be written shorter
			break
		}
		kept.Write(append(line, '\n'))
	}
	if err := durable.WriteBytes(filepath.Join(dir, metricsFile), kept.Bytes()); err != nil {
		return fmt.Errorf("rewind metrics: %w", err)
	}
	return nil
}
