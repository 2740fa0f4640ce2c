package main

import (
	"fmt"

	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/pixels"
)

// decoder judges pictures as training would.
func decoder(maxPixels int) func([]byte) error {
	return func(encoded []byte) error {
		_, _, err := pixels.Decode(encoded, maxPixels)
		return err
	}
}

// describeFindings says what a check found, a line for each kind and its first
// cases.
func describeFindings(f dataset.Findings) []string {
	lines := []string{fmt.Sprintf("%d pictures, %d captions", f.Pictures, f.Captions)}
	if f.Absent > 0 {
		lines = append(lines, fmt.Sprintf("%d pictures are absent: only the token file stands for them", f.Absent))
	}
	if total := f.Skipped.Total(); total > 0 {
		lines = append(lines, fmt.Sprintf("%d skipped: %s", total, f.Skipped))
		for _, s := range f.Skipped.Details[:min(shownSkips, len(f.Skipped.Details))] {
			lines = append(lines, "  "+s.String())
		}
	}
	for _, kind := range []struct {
		text string
		dataset.Finding
	}{
		{"pictures that cannot be read or decoded", f.Undecodable},
		{"captions that their own picture has twice", f.RepeatedCaptions},
		{"pictures in one split under several names", f.DuplicatePictures},
		{"pictures in different splits", f.SharedPictures},
		{"captions in different splits", f.SharedCaptions},
	} {
		if kind.Count == 0 {
			continue
		}
		lines = append(lines, fmt.Sprintf("%d %s", kind.Count, kind.text))
		for _, d := range kind.Details[:min(shownSkips, len(kind.Details))] {
			lines = append(lines, "  "+d)
		}
	}
	return lines
}

// findingsError ends a command with errSkipped when some inputs are unusable.
func findingsError(f dataset.Findings) error {
	if f.Skipped.Total()+f.Undecodable.Count > 0 {
		return errSkipped
	}
	return nil
}
