package main

import (
	"fmt"
	"strconv"

	"github.com/loopitr/loopitr/eval"
	"github.com/loopitr/loopitr/search"
)

// candidates is a flag: how many candidates the cross encoder judges, "off" or
// "all".
type candidates int

func defaultCandidates() candidates { return search.DefaultRerank }

// String writes the flag as Set reads it.
func (c *candidates) String() string {
	switch *c {
	case 0:
		return "off"
	case eval.All:
		return "all"
	}
	return strconv.Itoa(int(*c))
}

// Set reads "off", "all" or a number.
func (c *candidates) Set(text string) error {
	switch text {
	case "off":
		*c = 0
		return nil
	case "all":
		*c = eval.All
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return fmt.Errorf(`%q is not a number of candidates, "off" or "all"`, text)
	}
	*c = candidates(n)
	return nil
}

// Type names the flag's value in the help.
func (c *candidates) Type() string { return "N|off|all" }
