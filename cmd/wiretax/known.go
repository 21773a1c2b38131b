package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wiretax/capture/nic"
)

// known refuses an interface that this machine has not, names those that it has, and says what to type.
func known(c *cobra.Command, flag, name string) error {
	if nic.Exists(name) {
		return nil
	}
	list, err := nic.List()
	if err != nil {
		return err
	}
	var up, loopback, down []string
	for _, i := range list {
		switch {
		case !i.Up:
			down = append(down, i.Name)
		case i.Name == "lo":
			loopback = append(loopback, i.Name)
		default:
			up = append(up, i.Name)
		}
	}
	there := few(append(up, loopback...))
	if len(down) > 0 {
		there += "; down: " + few(down)
	}
	return fmt.Errorf("%s %s: no such interface; there are %s (%s)", flag, name, there, another(c, name, up))
}

// few lists names, the first of many.
func few(names []string) string {
	const most = 8
	switch {
	case len(names) == 0:
		return "none that are up"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// another is the command line, as far as it names places, with an interface in the place of the wrong one.
func another(c *cobra.Command, wrong string, up []string) string {
	value := func(flag string) string {
		if f := c.Flags().Lookup(flag); f != nil {
			return f.Value.String()
		}
		return ""
	}
	near, far, to := value("interface"), value("peer-if"), value("to")
	up = slices.DeleteFunc(slices.Clone(up), func(name string) bool { return name == near || name == far })
	up = append(similar(wrong, up, 1), append(up, "lo")...) // one that differs little is the likeliest
	line := c.CommandPath()
	for _, place := range []struct{ flag, name string }{{"-i", near}, {"--peer-if", far}, {"--to", to}} {
		if place.name == "" {
			continue
		}
		if place.name == wrong {
			place.name = up[0]
			up = slices.DeleteFunc(up, func(name string) bool { return name == place.name })
		}
		line += " " + place.flag + " " + place.name
	}
	switch pairs := c.Flags().Lookup("peer-if") != nil && far == "" && to == "" && !strings.HasSuffix(line, " lo"); {
	case pairs && len(up) > 1:
		line += " --peer-if " + up[0]
	case pairs:
		line += " --to HOST"
	}
	if value("in-place") == "true" {
		line += " --in-place"
	}
	return line
}
