package terminal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Count is how much of some work is done.
type Count struct {
	Stage string // what is being done; may be empty
	Done  int
	// Total is 0 where nobody knows it, and below zero while it is being counted.
	Total int
	Noun  string // of what is counted, such as "pictures"; may be empty
	Parts []Part // of Done: what a narrow terminal may cut off
}

// Part is how many of what is done are of one kind.
type Part struct {
	Name string
	N    int
}

// plain is the text for a log, whose lines have times of their own.
func (c Count) plain() string {
	return c.amount(strconv.Itoa) + c.parts(": ", strconv.Itoa)
}

// live is the text for people who wait. perSecond is 0 as long as nobody knows.
func (c Count) live(perSecond float64) string {
	text := c.amount(grouped)
	if perSecond > 0 {
		text += "  " + rateText(perSecond)
		seconds := float64(c.Total-c.Done) / perSecond
		if c.Done < c.Total && seconds < longest.Seconds() {
			text += "  " + Left(time.Duration(seconds*float64(time.Second)))
		}
	}
	return text + c.parts("  ", grouped)
}

// longest is beyond what an estimate can tell, and within a time.Duration.
const longest = 10_000 * time.Hour

func (c Count) amount(number func(int) string) string {
	var b strings.Builder
	if c.Stage != "" {
		b.WriteString(c.Stage + " ")
	}
	b.WriteString(number(c.Done))
	switch {
	case c.Total > 0:
		b.WriteString("/" + number(c.Total))
	case c.Total < 0:
		b.WriteString("/?")
	}
	if c.Noun != "" {
		b.WriteString(" " + c.Noun)
	}
	return b.String()
}

func (c Count) parts(before string, number func(int) string) string {
	var b strings.Builder
	for _, p := range c.Parts {
		b.WriteString(before + number(p.N) + " " + p.Name)
		before = ", "
	}
	return b.String()
}

// Left is how a line says how long something still takes, which is above zero: in
// whole seconds, rounded up, because none are left only when it is done.
func Left(d time.Duration) string {
	return (d + time.Second - 1).Truncate(time.Second).String() + " left"
}

// rateText chooses the unit in which a rate is at least one.
func rateText(perSecond float64) string {
	rate, unit := perSecond, "s"
	if rate < 1 {
		rate, unit = perSecond*60, "min"
	}
	if rate < 1 {
		rate, unit = perSecond*3600, "h"
	}
	if rate < 10 {
		return fmt.Sprintf("%.1f/%s", rate, unit)
	}
	return grouped(int(math.Round(rate))) + "/" + unit
}

// grouped writes a number that is not below zero with commas between thousands.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
