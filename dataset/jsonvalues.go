package dataset

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// jsonFields are the members of one object of a stranger's list, decoded when
// they are asked for, because lists differ in names and types.
type jsonFields = map[string]json.RawMessage

// textOf is the first of the named fields that is a string or a number.
func textOf(fields jsonFields, names []string) (string, bool) {
	for _, name := range names {
		if raw, has := fields[name]; has {
			if text, ok := jsonText(raw); ok {
				return text, true
			}
		}
	}
	return "", false
}

// jsonText is a string or a number as text. Invalid UTF-8 stays as it is, for
// the one who adds the row to report; encoding/json would replace it in silence.
func jsonText(raw json.RawMessage) (string, bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "", false
	}
	if raw[0] != '"' {
		number := raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
		return string(raw), number
	}
	if !utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1]), true
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", false
	}
	return text, true
}

// textsOf is the first of the named fields that holds captions: a string, or a
// list of strings or of objects with raw, caption, text or tokens.
func textsOf(fields jsonFields, names []string) (texts []string, ok bool) {
	texts, _, ok = captionsOf(fields, names)
	return texts, ok
}

// captionsOf is textsOf, and whether it was a list.
func captionsOf(fields jsonFields, names []string) (texts []string, list, ok bool) {
	for _, name := range names {
		raw, has := fields[name]
		if !has {
			continue
		}
		raw = bytes.TrimSpace(raw)
		if text, isText := jsonText(raw); isText {
			return []string{text}, false, true
		}
		var elements []json.RawMessage
		if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &elements) != nil {
			continue
		}
		texts = make([]string, 0, len(elements))
		for _, element := range elements {
			texts = append(texts, sentence(element))
		}
		return texts, true, true
	}
	return nil, false, false
}

// sentence is one caption of a list; empty when it is none.
func sentence(raw json.RawMessage) string {
	if text, ok := jsonText(raw); ok {
		return text
	}
	var fields jsonFields
	if json.Unmarshal(raw, &fields) != nil {
		return ""
	}
	if text, ok := textOf(fields, []string{"raw", "caption", "text", "sentence"}); ok {
		return text
	}
	var tokens []string
	if json.Unmarshal(fields["tokens"], &tokens) != nil {
		return ""
	}
	return strings.Join(tokens, " ")
}

// pictureName is the picture that an object names. Karpathy's filepath is the
// folder of filename.
func pictureName(fields jsonFields) (string, bool) {
	file, ok := textOf(fields, []string{"filename", "file_name"})
	if folder, has := textOf(fields, []string{"filepath"}); ok && has && folder != "" && file != "" {
		return folder + "/" + file, true
	}
	if name, ok := textOf(fields, imageNames); ok {
		return name, true
	}
	var image jsonFields // Hugging Face: {"path": ..., "bytes": null}
	if raw, has := fields["image"]; has && json.Unmarshal(raw, &image) == nil {
		return textOf(image, []string{"path", "file_name", "filename"})
	}
	return "", false
}

// firstLineIsRow reports text that begins with a line that is a whole object
// with a picture and captions: JSON lines, whatever the file's name says.
func firstLineIsRow(text []byte) bool {
	line, _, more := bytes.Cut(text, []byte("\n"))
	if !more || len(line) == 0 || line[0] != '{' {
		return false
	}
	var fields jsonFields
	if json.Unmarshal(line, &fields) != nil {
		return false
	}
	_, named := pictureName(fields)
	_, captioned := textsOf(fields, captionNames)
	return named && captioned
}
