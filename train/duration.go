package train

import "time"

// Duration is a time.Duration that is written as "90s" or "10m" in recipes.
type Duration time.Duration

// Seconds is the duration in seconds.
func (d Duration) Seconds() float64 { return time.Duration(d).Seconds() }

// String writes the duration as time.ParseDuration reads it.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes what String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what time.ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}
