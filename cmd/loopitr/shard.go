package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/loopitr/loopitr/search"
)

// shardFlag is a flag: a part of a folder, as "2/4".
type shardFlag search.Shard

// String writes the flag as Set reads it.
func (s *shardFlag) String() string {
	if *s == (shardFlag{}) {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Number, s.Of)
}

// Set reads "i/n" with i from 1 to n.
func (s *shardFlag) Set(text string) error {
	number, of, _ := strings.Cut(text, "/")
	i, err1 := strconv.Atoi(number)
	n, err2 := strconv.Atoi(of)
	part := search.Shard{Number: i, Of: n}
	if err1 != nil || err2 != nil || n == 0 || part.Validate() != nil {
		return fmt.Errorf("%q is not a part such as 1/4, 1 to 4 of 4", text)
	}
	*s = shardFlag(part)
	return nil
}

// Type names the flag's value in the help.
func (s *shardFlag) Type() string { return "i/n" }
