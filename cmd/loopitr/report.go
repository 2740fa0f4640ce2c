package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/spf13/pflag"
)

// reportFile is where --report lists what a command skips; empty for nowhere.
type reportFile string

func (p *reportFile) register(flags *pflag.FlagSet) {
	flags.StringVar((*string)(p), "report", "", "list what was skipped, and why, in this file (JSON lines)")
}

// listing does work that may skip inputs. The file is complete also when the work
// fails. Outcomes: the work's error, or the file's; errSkipped when all was done but
// something was skipped.
func (p reportFile) listing(line *terminal.Line, work func(*skipLog) error) error {
	l := skipLog{line: line}
	if p == "" {
		return l.outcome(work(&l))
	}
	var failed error
	err := durable.WriteFile(string(p), func(w io.Writer) error {
		l.list = json.NewEncoder(w)
		failed = work(&l)
		return l.failed
	})
	if err != nil {
		return errors.Join(failed, err)
	}
	return l.outcome(failed)
}

// skipLog shows what a command skips, and lists it.
type skipLog struct {
	line   *terminal.Line
	list   *json.Encoder // nil without --report
	failed error         // to list
	count  int
}

// skippedInput is one line of --report.
type skippedInput struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

func (l *skipLog) outcome(err error) error {
	if err == nil && l.count > 0 {
		return errSkipped
	}
	return err
}

// add shows and lists one input.
func (l *skipLog) add(path string, cause error) {
	l.line.Keep(fmt.Sprintf("skipping %s: %v", path, cause))
	l.note(path, cause.Error())
}

// note lists one input that is shown otherwise.
func (l *skipLog) note(path, cause string) {
	l.count++
	if l.list != nil && l.failed == nil {
		l.failed = l.list.Encode(skippedInput{path, cause})
	}
}

// shownSkips is how many skipped inputs of a data set are shown one by one.
const shownSkips = 20

// addSet lists what was left out of a data set, and shows the first of it.
func (l *skipLog) addSet(skips dataset.Skips) {
	total := skips.Total()
	if total == 0 {
		return
	}
	for _, s := range skips.Details[:min(shownSkips, len(skips.Details))] {
		l.line.Keep(s.String())
	}
	l.line.Keep(fmt.Sprintf("skipped %d in all: %s", total, skips))
	l.noteSet(skips)
}

// noteSet lists what was left out of a data set.
func (l *skipLog) noteSet(skips dataset.Skips) {
	for _, s := range skips.Details {
		l.note(s.Where, s.Cause())
	}
	l.count += skips.Total() - len(skips.Details)
}
