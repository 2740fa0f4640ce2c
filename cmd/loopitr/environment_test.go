package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write docs/environment.md")

// eachFlag visits every flag of every command.
func eachFlag(visit func(c *cobra.Command, f *pflag.Flag)) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) { visit(c, f) })
		for _, child := range c.Commands() {
			walk(child)
		}
	}
	walk(newRoot(streams{strings.NewReader(""), os.Stdout, os.Stderr}))
}

func TestFlagsAreVariables(t *testing.T) {
	got := map[string]string{}
	eachFlag(func(c *cobra.Command, f *pflag.Flag) {
		name := variable(c, f.Name)
		got[c.CommandPath()+" --"+f.Name] = name
		if !slices.Contains(noVariable, f.Name) && !strings.Contains(f.Usage, "[$"+name+"]") {
			t.Errorf("%s --%s: the help does not name $%s", c.CommandPath(), f.Name, name)
		}
	})
	for flag, want := range map[string]string{
		"loopitr --quiet": "LOOPITR_QUIET", "loopitr search --min-match": "LOOPITR_MIN_MATCH", "loopitr search --count": "LOOPITR_COUNT",
		"loopitr index --tokens": "LOOPITR_INDEX_TOKENS", "loopitr data split --train": "LOOPITR_DATA_SPLIT_TRAIN",
	} {
		if got[flag] != want {
			t.Errorf("%s: %q, want %q", flag, got[flag], want)
		}
	}
}

// A variable that several commands read must mean one thing.
func TestSharedVariablesAreOfOneType(t *testing.T) {
	types, first := map[string]string{}, map[string]string{}
	eachFlag(func(c *cobra.Command, f *pflag.Flag) {
		name, kind := variable(c, f.Name), f.Value.Type()
		if types[name] == "" {
			types[name], first[name] = kind, c.CommandPath()
		}
		if types[name] != kind {
			t.Errorf("$%s is %s for %s and %s for %s: add the flag to own", name, types[name], first[name], kind, c.CommandPath())
		}
	})
}

// docs/environment.md is the one list of what is read.
func TestEnvironmentPage(t *testing.T) {
	const path = "../../docs/environment.md"
	flags := map[string][]string{}
	eachFlag(func(c *cobra.Command, f *pflag.Flag) {
		if !slices.Contains(noVariable, f.Name) && !strings.HasPrefix(c.CommandPath(), "loopitr completion") {
			name := variable(c, f.Name)
			flags[name] = append(flags[name], strings.TrimSpace(c.CommandPath()+" --"+f.Name))
		}
	})
	var names []string
	for name := range flags {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("# Environment variables\n\n<!-- Written by: go test ./cmd/loopitr -run TestEnvironmentPage -update -->\n\n")
	b.WriteString("Every variable that loopitr reads. A flag on the command line wins over its variable, and an\n" +
		"empty variable is none. Switches take true or false, times 90s or 2h, lists commas; `LOOPITR_SET` and\n" +
		"`LOOPITR_EXCLUDE` hold one entry, further ones go on the command line. Flags that mean another thing in another\n" +
		"command (`" + strings.Join(own, "`, `") + "`) have the command in the name.\n\n| variable | flag of |\n|---|---|\n")
	for _, name := range names {
		slices.Sort(flags[name])
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", name, strings.Join(flags[name], "`, `"))
	}
	b.WriteString("\n| variables | meaning |\n|---|---|\n")
	for _, v := range otherVariables {
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(v.names, " ", "`, `"), v.meaning)
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != b.String() {
		t.Errorf("%s is not what the flags say (%v): run the test with -update", path, err)
	}
}
