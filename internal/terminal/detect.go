package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-sixel"
)

// Protocol is how a terminal is given pictures.
type Protocol string

// The protocols. Off draws nothing.
const (
	Kitty Protocol = "kitty"
	ITerm Protocol = "iterm"
	Sixel Protocol = "sixel"
	Off   Protocol = "off"
)

// Detect tells from the environment which protocol the terminal is known to have.
// When in doubt it is Off: a wrong guess fills the screen with noise.
func Detect(variable func(name string) string) Protocol {
	name, program := variable("TERM"), variable("TERM_PROGRAM")
	has := func(names ...string) bool {
		for _, n := range names {
			if variable(n) != "" {
				return true
			}
		}
		return false
	}
	switch {
	case name == "dumb":
		return Off
	case has("KITTY_WINDOW_ID", "GHOSTTY_RESOURCES_DIR"), strings.Contains(name, "kitty"), strings.Contains(name, "ghostty"), program == "ghostty":
		return Kitty
	case program == "iTerm.app", program == "WezTerm", program == "mintty",
		variable("LC_TERMINAL") == "iTerm2", has("ITERM_SESSION_ID", "WEZTERM_PANE"):
		return ITerm
	case strings.Contains(name, "sixel"), strings.HasPrefix(name, "foot"), strings.HasPrefix(name, "mlterm"),
		strings.HasPrefix(name, "yaft"), program == "contour":
		return Sixel
	}
	return Off
}

// Canvas is where pictures are drawn.
type Canvas struct {
	W        io.Writer
	Protocol Protocol
	// Multiplexed wraps what is drawn so that tmux hands it on
	// ("set -g allow-passthrough on").
	Multiplexed bool
}

// Draw writes the picture, as large as it is, and a line break.
func (c Canvas) Draw(p Picture) error {
	var b strings.Builder
	var err error
	switch c.Protocol {
	case Kitty:
		err = c.kitty(&b, p)
	case ITerm:
		err = c.iterm(&b, p)
	case Sixel:
		err = sixel.NewEncoder(&b).Encode(p.Image)
	case Off:
		return nil
	default:
		return fmt.Errorf("draw picture: unknown protocol %q", c.Protocol)
	}
	if err != nil {
		return fmt.Errorf("draw picture: %w", err)
	}
	b.WriteByte('\n')
	_, err = io.WriteString(bare(c.W), b.String())
	return err
}
