package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/loopitr/loopitr/train"
	"github.com/loopitr/loopitr/wordpiece"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// recipeNames are the flags that say what a run computes, and not only when it
// ends.
var recipeNames = []string{"preset", "init", "vocab", "batch", "seed", "set"}

// resume makes the flags of a resumed run say when it ends. Those that repeat its
// recipe do no harm; those that say another one would be ignored and are refused.
func (f *recipeFlags) resume(flags *pflag.FlagSet, tokens tokenShape, o *train.Options) error {
	o.Config = train.Config{Steps: f.steps, Epochs: f.epochs, For: train.Duration(f.duration)}
	given := slices.DeleteFunc(slices.Clone(recipeNames), func(name string) bool { return !flags.Changed(name) })
	if len(given) == 0 {
		return nil
	}
	stored, vocabulary, err := train.Stored(o.Dir)
	if err != nil {
		return err
	}
	said, err := f.repeat(flags, tokens, start{config: stored, vocabulary: vocabulary})
	if err != nil {
		return err
	}
	if ends := said.config; ends.Steps != 0 || ends.Epochs != 0 || ends.For != 0 {
		o.Config.Steps, o.Config.Epochs, o.Config.For = ends.Steps, ends.Epochs, ends.For
	}
	differences, err := recipeDifferences(stored, said.config)
	if err != nil {
		return err
	}
	if said.vocabulary != nil && !sameVocabulary(vocabulary, said.vocabulary) {
		differences = append(differences, "another vocabulary")
	}
	if len(differences) > 0 {
		return fmt.Errorf("%w: --resume goes on by the run's own recipe, which the flags would change: %s",
			errUsage, strings.Join(differences, "; "))
	}
	return nil
}

// repeat is what the flags would begin with now, where they say nothing as the run
// began.
func (f *recipeFlags) repeat(flags *pflag.FlagSet, tokens tokenShape, began start) (said start, err error) {
	said = began
	anew := f.init != "" || flags.Changed("preset")
	switch {
	case anew:
		said, err = f.start(flags, tokens)
	case f.vocab != "":
		said.vocabulary, err = readVocabulary(f.vocab)
	}
	if err != nil {
		return said, err
	}
	if err := f.apply(flags, &said.config); err != nil {
		return said, err
	}
	if anew {
		f.fitPixels(&said.config)
	}
	return said, nil
}

// endings are the keys of a recipe, and the flags, that a resumed run may change;
// fitted are those that a run itself changed to fit its data.
var endings, fitted = []string{"steps", "epochs", "for"}, []string{"network.text.vocabulary"}

// recipeDifferences lists the keys in which a run's recipe and another one differ.
func recipeDifferences(run, other train.Config) ([]string, error) {
	if slices.Contains(run.Freeze, "vision") {
		other.Augment = run.Augment // the run has taken it out
	}
	content, err := json.Marshal(other)
	if err != nil {
		return nil, err
	}
	var said train.Config // as it would have been stored
	if err := json.Unmarshal(content, &said); err != nil {
		return nil, err
	}
	var differences []string
	for _, key := range listSettings(reflect.TypeOf(run), "") {
		if slices.Contains(endings, key) || slices.Contains(fitted, key) {
			continue
		}
		had, _ := lookupSetting(reflect.ValueOf(run), key)
		has, _ := lookupSetting(reflect.ValueOf(said), key)
		if !reflect.DeepEqual(had.Interface(), has.Interface()) {
			differences = append(differences, fmt.Sprintf("%s is %v, not %v", key, had, has))
		}
	}
	return differences, nil
}

func sameVocabulary(a, b *wordpiece.Vocabulary) bool {
	var first, second bytes.Buffer
	_, errA := a.WriteTo(&first)
	_, errB := b.WriteTo(&second)
	return errA == nil && errB == nil && bytes.Equal(first.Bytes(), second.Bytes())
}

// resumeCommand is the command line that goes on with a stopped run. The run's folder
// knows the recipe and the end; a run that was resumed may not have written a new
// end yet.
func resumeCommand(c *cobra.Command, resumed bool) string {
	known := []string{"resume", "out", "data"}
	words := []string{c.CommandPath(), "--resume"}
	say := func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			switch {
			case f.Value.Type() != "bool":
				words = append(words, "--"+f.Name, shellQuote(v))
			case v == "true":
				words = append(words, "--"+f.Name)
			default:
				words = append(words, "--"+f.Name+"="+v)
			}
		}
	}
	say(c.Flag("out"))
	say(c.Flag("data"))
	if !resumed {
		known = slices.Concat(known, recipeNames, endings)
	}
	c.Flags().Visit(func(f *pflag.Flag) {
		if !slices.Contains(known, f.Name) {
			say(f)
		}
	})
	return strings.Join(words, " ")
}

// shellQuote quotes a word, where that is needed, for the shells of the system.
func shellQuote(word string) string { return quoteFor(runtime.GOOS, word) }

// quoteFor quotes for a POSIX shell; on Windows for what cmd.exe and PowerShell both
// take, where quotes hide spaces but neither % nor $.
func quoteFor(system, word string) string {
	signs, quoted := "-_./=,:@%+", "'"+strings.ReplaceAll(word, "'", `'\''`)+"'"
	if system == "windows" {
		signs, quoted = `-_./=:\+`, `"`+strings.ReplaceAll(word, `"`, `\"`)+`"`
	}
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(signs, r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return quoted
}
