package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/search"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// weight is an argument that begins a part of a mix: +, -, +0.5, -2. negative is
// one that a parser of flags would take for itself.
var (
	weight   = regexp.MustCompile(`^[+-]([0-9]+\.?[0-9]*|\.[0-9]+)?$`)
	negative = regexp.MustCompile(`^-[0-9.]*(\s.*)?$`)
)

// guardWeights keeps a query's arguments such as -0.3 from being taken for flags:
// one space in front makes them arguments. What follows a flag that wants a value
// stays as it is.
func guardWeights(root *cobra.Command, args []string) []string {
	c, _, err := root.Find(args)
	if err != nil || c.Name() != "search" && c.Name() != "similar" {
		return args
	}
	guarded := slices.Clone(args)
	for i, a := range args {
		if len(a) > 1 && a != "-0" && negative.MatchString(a) && !(i > 0 && wantsValue(c, args[i-1])) { // -0 is a flag: see xargs
			guarded[i] = " " + a
		}
	}
	return guarded
}

// wantsValue reports whether an argument is a flag whose value is the next one.
func wantsValue(c *cobra.Command, arg string) bool {
	var f *pflag.Flag
	switch name, long := strings.CutPrefix(arg, "--"); {
	case long:
		if f = c.Flags().Lookup(name); f == nil {
			f = c.InheritedFlags().Lookup(name)
		}
	case len(arg) == 2 && arg[0] == '-':
		f = c.Flags().ShorthandLookup(arg[1:])
	}
	return f != nil && f.NoOptDefVal == ""
}

// parseQuery makes the parts of a query of what a shell left of it: words are a
// caption, a weight begins a part that lasts until the next, ./x.jpg is a picture,
// item:PATH a stored one. One quoted argument may hold the whole mix in the syntax
// of search.ParseParts.
func parseQuery(args []string) ([]loopitr.Part, error) {
	var m mix
	for _, arg := range args {
		if err := m.add(strings.TrimSpace(arg)); err != nil {
			return nil, err
		}
	}
	if err := m.flush(); err != nil {
		return nil, err
	}
	return search.ParseParts(m.text.String(), readPicture)
}

// mix gathers arguments into the syntax of search.ParseParts.
type mix struct {
	text  strings.Builder
	sign  string // of the part that words belong to; none for the caption in front
	words []string
}

func (m *mix) add(arg string) error {
	switch {
	case weight.MatchString(arg):
		err := m.flush()
		m.sign = arg
		return err
	case isPicture(arg) || isItem(arg):
		if len(m.words) > 0 {
			if err := m.flush(); err != nil {
				return err
			}
		}
		if !isItem(arg) {
			arg = "picture:" + arg
		}
		m.words = append(m.words, arg)
		m.sign = cmp.Or(m.sign, "+")
		return m.flush()
	case m.sign == "" && len(m.words) == 0 && m.text.Len() > 0:
		m.sign = "+" // a caption behind a picture
	}
	m.words = append(m.words, arg)
	return nil
}

// flush ends a part.
func (m *mix) flush() error {
	joined := strings.TrimSpace(strings.Join(m.words, " "))
	switch {
	case joined == "" && m.sign != "":
		return fmt.Errorf("query: nothing follows %q: %w", m.sign, loopitr.ErrInvalid)
	case joined != "" && m.sign == "":
		m.text.WriteString(joined + " ")
	case joined != "":
		m.text.WriteString(m.sign + " " + operand(joined) + " ")
	}
	m.words, m.sign = nil, ""
	return nil
}

// operand quotes what a weight stands before, unless it is quoted already.
func operand(text string) string {
	kind := ""
	for _, k := range []string{"item:", "picture:"} {
		if rest, ok := strings.CutPrefix(text, k); ok {
			kind, text = k, rest
		}
	}
	if len(text) > 1 && strings.HasPrefix(text, `"`) && strings.HasSuffix(text, `"`) {
		return kind + text
	}
	return kind + `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// isPicture tells a picture file among the words of a query.
func isPicture(arg string) bool {
	for _, start := range []string{"./", "../", "/", `.\`, `..\`} {
		if strings.HasPrefix(arg, start) && !strings.Contains(arg, `"`) {
			return true
		}
	}
	return false
}

// isItem tells a stored picture among the words of a query.
func isItem(arg string) bool { return strings.HasPrefix(arg, "item:") && !strings.Contains(arg, `"`) }

// maxPicture bounds a picture file on the command line.
const maxPicture = 256 << 20

// readPicture reads a picture that the command line names.
func readPicture(name string) ([]byte, error) { return durable.ReadFile(name, maxPicture) }
