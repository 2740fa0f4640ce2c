package search_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/search"
)

var errNoFile = errors.New("no such file")

func openPicture(name string) ([]byte, error) {
	if name == "none.jpg" {
		return nil, errNoFile
	}
	return []byte(strings.TrimSuffix(name, ".jpg")), nil
}

func TestParseParts(t *testing.T) {
	text := func(weight float32, s string) loopitr.Part { return loopitr.Part{Weight: weight, Text: s} }
	for typed, want := range map[string][]loopitr.Part{
		"a red apple":                    {text(1, "a red apple")},
		"  two words ":                   {text(1, "two words")},
		`say "cheese"`:                   {text(1, `say "cheese"`)},
		"a -5 degree day":                {text(1, "a -5 degree day")},
		"c++ and c-- books":              {text(1, "c++ and c-- books")},
		`+0.5 "at night" -0.3 "people"`:  {text(0.5, "at night"), text(-0.3, "people")},
		`beach +0.5 "at night"-"people"`: {text(1, "beach"), text(0.5, "at night"), text(-1, "people")},
		`beach -"people"`:                {text(1, "beach"), text(-1, "people")},
		`x-"y"`:                          {text(1, `x-"y"`)},
		`+.5 "a"  +2."b"`:                {text(0.5, "a"), text(2, "b")},
		`+"say \"hi\" \\ \n"`:            {text(1, `say "hi" \ \n`)},
		`cat +2 item:"trips/a b.jpg"`:    {text(1, "cat"), {Weight: 2, Item: "trips/a b.jpg"}},
		`-picture:"p.jpg" +"x"`:          {{Weight: -1, Picture: []byte("p")}, text(1, "x")},
		` item:"a.png" -0.5 "b"`:         {{Weight: 1, Item: "a.png"}, text(-0.5, "b")},
		"item: a list":                   {text(1, "item: a list")},
		"日本 +1 \"夜\"":                    {text(1, "日本"), text(1, "夜")},
		"海\u3000+0.5 \"夜\"":              {text(1, "海"), text(0.5, "夜")}, // an ideographic space
		`voilà-"x"`:                      {text(1, `voilà-"x"`)},         // à ends in the byte of a no-break space
	} {
		got, err := search.ParseParts(typed, openPicture)
		if err != nil {
			t.Errorf("%q: %v", typed, err)
		}
		diff(t, typed, want, got)
	}
}

func TestParsePartsRefuses(t *testing.T) {
	for typed, kind := range map[string]error{
		"":                                     loopitr.ErrInvalid,
		"   ":                                  loopitr.ErrInvalid,
		`+"a" b`:                               loopitr.ErrInvalid,
		`+"a" +0.5 b`:                          loopitr.ErrInvalid,
		`+0 "a"`:                               loopitr.ErrInvalid,
		`+""`:                                  loopitr.ErrInvalid,
		`x +item:""`:                           loopitr.ErrInvalid,
		`+picture:"none.jpg"`:                  errNoFile,
		`+picture:".jpg"`:                      loopitr.ErrInvalid,
		strings.Repeat(`+"a"`, 65):             loopitr.ErrInvalid,
		`+` + strings.Repeat("9", 60) + ` "a"`: nil, // not a number that fits: plain text
	} {
		_, err := search.ParseParts(typed, openPicture)
		if kind == nil && err != nil {
			t.Errorf("%q: %v", typed, err)
		}
		if kind != nil {
			wantKind(t, typed, err, kind)
		}
	}
	_, err := search.ParseParts(`+picture:"a.jpg"`, nil)
	wantKind(t, "pictures not allowed", err, loopitr.ErrInvalid)
}

func TestParsePartsReadsWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []loopitr.Part
		var typed strings.Builder
		for range rapid.IntRange(1, 5).Draw(t, "parts") {
			p := loopitr.Part{
				Weight: float32(rapid.IntRange(1, 999).Draw(t, "weight")) / 64 * float32(1-2*rapid.IntRange(0, 1).Draw(t, "sign")),
				Text:   rapid.StringN(1, 10, 40).Draw(t, "text"),
			}
			quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p.Text)
			fmt.Fprintf(&typed, "%+.6f \"%s\" ", p.Weight, quoted)
			want = append(want, p)
		}
		got, err := search.ParseParts(typed.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s: %v, want %v", typed.String(), got, want)
		}
	})
}

func FuzzParseParts(f *testing.F) {
	for _, typed := range []string{
		`beach +0.5 "at night" -0.3 "people"`, `+item:"a"`, `-2 picture:"b"`, `+"\"`, `+..5 "x"`, "\xff +\"\xfe\"", `+ "a"`,
	} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		parts, err := search.ParseParts(typed, openPicture)
		if err != nil {
			if !errors.Is(err, loopitr.ErrInvalid) && !errors.Is(err, errNoFile) {
				t.Errorf("error %v is of no kind", err)
			}
			return
		}
		for _, p := range parts {
			if p.Weight == 0 || (p.Text == "" && p.Item == "" && len(p.Picture) == 0) {
				t.Errorf("%q: part %+v", typed, p)
			}
		}
	})
}
