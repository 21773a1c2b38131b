package main

import "testing"

func TestUnicodeLocale(t *testing.T) {
	for _, c := range []struct {
		name, all, ctype, lang string
		want                   bool
	}{
		{"LANG alone", "", "", "en_US.UTF-8", true},
		{"written otherwise", "", "", "de_DE.utf8", true},
		{"LC_CTYPE over LANG", "", "C", "en_US.UTF-8", false},
		{"LC_ALL over both", "C.UTF-8", "C", "C", true},
		{"another character set", "", "", "de_DE.ISO-8859-1", false},
		{"none is the POSIX locale", "", "", "", false},
	} {
		t.Setenv("LC_ALL", c.all)
		t.Setenv("LC_CTYPE", c.ctype)
		t.Setenv("LANG", c.lang)
		if got := unicodeLocale(); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
}

func TestDumbTerminal(t *testing.T) {
	for term, want := range map[string]bool{"": true, "dumb": true, "xterm-256color": false, "linux": false} {
		t.Setenv("TERM", term)
		if got := dumbTerminal(); got != want {
			t.Errorf("TERM=%s: %t, want %t", term, got, want)
		}
	}
}
