package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// concept is one emoji that all three artists drew.
type concept struct {
	key      string // code points without variation selectors: "1f469-200d-1f680"
	text     string // the emoji itself
	captions []string
	pictures map[string][]byte // artist -> encoded picture as its package holds it
}

const (
	noto    = "noto"
	twemoji = "twemoji"
	fluent  = "fluent"
)

// readConcepts returns the concepts with a picture by each artist and an English
// name, ordered by key.
func readConcepts(files map[string][]byte) ([]concept, error) {
	var list []struct{ Unified, Image string }
	if err := json.Unmarshal(files["emoji.json"], &list); err != nil {
		return nil, fmt.Errorf("parse emoji.json: %w", err)
	}
	fluents := map[string][]byte{}
	for name, content := range files {
		if base, ok := strings.CutPrefix(name, "assets/"); ok {
			fluents[conceptKey(strings.TrimSuffix(base, ".webp"))] = content
		}
	}
	english, err := annotations(files, "en")
	if err != nil {
		return nil, err
	}
	var concepts []concept
	for _, e := range list {
		c := concept{key: conceptKey(e.Unified)}
		c.text = emojiText(c.key)
		c.captions = english[c.text]
		c.pictures = map[string][]byte{
			noto:    files["img/google/64/"+e.Image],
			twemoji: files["img/twitter/64/"+e.Image],
			fluent:  fluents[c.key],
		}
		if c.captions != nil && c.pictures[noto] != nil && c.pictures[twemoji] != nil && c.pictures[fluent] != nil {
			concepts = append(concepts, c)
		}
	}
	slices.SortFunc(concepts, func(a, b concept) int { return cmp.Compare(a.key, b.key) })
	return concepts, nil
}

// conceptKey drops the variation selectors that the three packages disagree about.
func conceptKey(unified string) string {
	parts := strings.Split(strings.ToLower(unified), "-")
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "fe0f" }), "-")
}

func emojiText(key string) string {
	var text strings.Builder
	for _, part := range strings.Split(key, "-") {
		point, err := strconv.ParseInt(part, 16, 32)
		if err != nil {
			return ""
		}
		text.WriteRune(rune(point))
	}
	return text.String()
}

// annotations returns CLDR's captions in one language: the name, then the
// keywords that the name does not already say.
func annotations(files map[string][]byte, language string) (map[string][]string, error) {
	type entry struct{ Default, TTS []string }
	type set struct{ Annotations map[string]entry }
	captions := map[string][]string{}
	for _, name := range []string{"annotations", "annotationsDerived"} {
		file := name + "/" + language + "/annotations.json"
		var parsed map[string]set
		if err := json.Unmarshal(files[file], &parsed); err != nil {
			return nil, fmt.Errorf("parse %s: %w", file, err)
		}
		for text, e := range parsed[name].Annotations {
			if len(e.TTS) == 0 {
				continue
			}
			captions[text] = []string{e.TTS[0]}
			keywords := slices.DeleteFunc(e.Default, func(k string) bool { return k == e.TTS[0] })
			if len(keywords) > 0 {
				captions[text] = append(captions[text], strings.Join(keywords, ", "))
			}
		}
	}
	dropShared(captions)
	return captions, nil
}

// dropShared drops keywords that several emoji share ("flag" stands for every
// country): they describe none of them. Names are kept.
func dropShared(captions map[string][]string) {
	uses := map[string]int{}
	for _, list := range captions {
		for _, caption := range list {
			uses[caption]++
		}
	}
	for text, list := range captions {
		captions[text] = slices.DeleteFunc(list, func(c string) bool { return c != list[0] && uses[c] > 1 })
	}
}

// split orders the concepts by the hash of their key and returns the first half
// for validation, the other for test: a choice nobody made by hand.
func split(concepts []concept) (validation, test []concept) {
	shuffled := slices.Clone(concepts)
	digest := func(c concept) string { d := sha256.Sum256([]byte(c.key)); return string(d[:]) }
	slices.SortFunc(shuffled, func(a, b concept) int { return cmp.Compare(digest(a), digest(b)) })
	byKey := func(a, b concept) int { return cmp.Compare(a.key, b.key) }
	validation, test = shuffled[:len(shuffled)/2], shuffled[len(shuffled)/2:]
	slices.SortFunc(validation, byKey)
	slices.SortFunc(test, byKey)
	return validation, test
}
