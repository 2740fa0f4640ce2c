package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/terminal"
)

// demoQueries are the searches that the demo shows: names, a description that no name
// holds, which is beyond what names and keywords teach, and a mix. Each has answers
// among the pictures of the test half.
var demoQueries = []string{
	"palm tree",
	"flag: Poland",
	"crying face",
	"musical keyboard",
	"something to drink",
	`heart -0.6 "red heart"`,
}

func (d *demonstration) examples(ctx context.Context, s *searcher) error {
	for _, q := range demoQueries {
		fmt.Fprintf(d.text, "\n%s\n", q)
		if err := d.ask(ctx, s, q, strings.Fields(q)); err != nil {
			return err
		}
	}
	return nil
}

// prompt answers queries until the input ends or says quit.
func (d *demonstration) prompt(ctx context.Context, s *searcher) error {
	fmt.Fprint(d.text, "\nSearch: words, ./picture.png, or a mix like  boat -0.5 water.  \"quit\" ends.\n")
	lines := readLines(d.std.in)
	for {
		if terminal.Is(d.text) {
			fmt.Fprint(d.text, "> ")
		}
		select {
		case <-ctx.Done():
			fmt.Fprintln(d.text)
			return nil
		case text, more := <-lines:
			switch text = strings.TrimSpace(text); {
			case !more, text == "quit", text == "exit":
				return nil
			case text == "":
				continue
			}
			err := d.ask(ctx, s, text, strings.Fields(text))
			if errors.Is(err, loopitr.ErrInvalid) || errors.Is(err, loopitr.ErrNotFound) {
				d.line.Keep(err.Error()) // typed wrongly: ask again
			} else if err != nil {
				return err
			}
		}
	}
}

// readLines passes lines on until r ends. A read of a terminal cannot be
// interrupted, so the goroutine ends with its input or with the process.
func readLines(r io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(r)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
	}()
	return lines
}
