package dataset

import (
	"errors"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pictureExtensions are the files that are taken for pictures by their name.
var pictureExtensions = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".png": true, ".gif": true,
	".webp": true, ".bmp": true, ".tif": true, ".tiff": true,
}

// isPicture reports whether name ends as a picture's does, in either case.
func isPicture(name string) bool {
	return pictureExtensions[strings.ToLower(path.Ext(name))]
}

var (
	errNameEmpty   = errors.New("empty name")
	errNameText    = errors.New("name is not valid UTF-8")
	errNameControl = errors.New("name has control characters")
	errNameParent  = errors.New(`name has ".."`)
	errNameLong    = errors.New("name is longer than 4096 bytes")
)

// cleanName turns a picture's name as annotations write it into an ID: slashes,
// relative, without "." elements. Names that lead out of the pictures' folder
// (".." with either slash) are refused. Absolute names, which lists made on
// another machine hold, become relative; lookup tries their endings.
func cleanName(name string) (string, error) {
	switch {
	case len(name) > 4096:
		return "", errNameLong
	case !utf8.ValidString(name):
		return "", errNameText
	case strings.ContainsFunc(name, breaksLine):
		return "", errNameControl
	}
	for {
		if slices.Contains(strings.FieldsFunc(name, isSlash), "..") {
			return "", errNameParent
		}
		clean := strings.TrimFunc(path.Clean("/"+name), func(r rune) bool { return r == '/' || unicode.IsSpace(r) })
		switch clean {
		case "":
			return "", errNameEmpty
		case name:
			return clean, nil
		}
		name = clean // a space may have hidden a "." or ".." element
	}
}

// windowsRefuses reports a clean name that Windows has no file for, or another thing
// than a file: reserved characters and devices' names, and elements that end in a
// dot or space, which it leaves out (learn.microsoft.com, "Naming Files, Paths, and
// Namespaces").
func windowsRefuses(name string) bool {
	if strings.ContainsAny(name, `<>:"\|?*`) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return true
	}
	return slices.ContainsFunc(strings.Split(name, "/"), func(element string) bool {
		device, _, _ := strings.Cut(element, ".")
		return strings.HasSuffix(element, ".") || strings.HasSuffix(element, " ") || isDevice(strings.TrimRight(device, " "))
	})
}

// isDevice reports the names that Windows keeps for devices, in any case.
func isDevice(name string) bool {
	name = strings.ToUpper(name)
	switch name {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	digit, _ := utf8.DecodeLastRuneInString(name)
	port := strings.HasPrefix(name, "COM") || strings.HasPrefix(name, "LPT")
	return port && utf8.RuneCountInString(name) == len("COM")+1 && strings.ContainsRune("123456789¹²³", digit)
}

// isSlash reports either separator: lists come from every system.
func isSlash(r rune) bool { return r == '/' || r == '\\' }

// endings yields name and then its shorter and shorter ends: a/b/c.jpg, b/c.jpg, c.jpg.
func endings(name string, yield func(string) bool) {
	for {
		if name != "" && !yield(name) {
			return
		}
		slash := strings.IndexByte(name, '/')
		if slash < 0 {
			return
		}
		name = name[slash+1:]
	}
}

// splitWords are the words for the three usual splits.
var splitWords = map[string]string{
	"train": "train", "training": "train",
	"val": "val", "dev": "val", "valid": "val", "validation": "val",
	"test": "test", "testing": "test",
}

// cleanSplit maps the words for one split to one: dev, valid and validation are val.
func cleanSplit(split string) string {
	split = strings.TrimSpace(split)
	if word, known := splitWords[strings.ToLower(split)]; known {
		return word
	}
	return split
}

// splitOfFile is the split that a file's name states: the only split word among
// its words ("flickr30k_test.json", "train-00000-of-00002.parquet",
// "captions_val2014.json"); "" when there is none or more than one.
func splitOfFile(file string) string {
	base := strings.ToLower(path.Base(strings.ReplaceAll(file, `\`, "/")))
	base = strings.TrimSuffix(base, path.Ext(base))
	found := ""
	for _, word := range strings.FieldsFunc(base, func(r rune) bool { return r == '-' || r == '_' || r == '.' || r == ' ' }) {
		split := splitWords[strings.TrimRight(word, "0123456789")]
		if split == "" || split == found {
			continue
		}
		if found != "" {
			return ""
		}
		found = split
	}
	return found
}
