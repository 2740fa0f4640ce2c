//go:build race

package cpu_test

// race: upstream's engine does pointer arithmetic that the race build's pointer
// checks stop, so comparisons with it are skipped there.
const race = true
