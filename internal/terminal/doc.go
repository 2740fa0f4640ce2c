// Package terminal writes what only makes sense on a terminal: one live line of
// progress with its rate and the time left, and pictures drawn with the protocol of
// kitty, of iTerm2, or as sixels. It keeps what strangers wrote from doing the same.
//
// It decodes no picture files, asks the terminal nothing and reads no input: what
// the terminal can do is told by the environment alone.
//
// Start with NewLine for progress, Detect with Draw for pictures, Guard for text.
package terminal
