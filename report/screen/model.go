package screen

import (
	"slices"

	"github.com/gdamore/tcell/v3"

	"wiretax/analyze"
)

// Sample is a live analysis at one moment.
type Sample struct {
	Result   *analyze.Result   // its flows are not looked at
	Flows    []analyze.Flow    // what Query asked for
	Interval *analyze.Interval // since the last sample that had one; nil: asked for in between
}

// Query is which flows the screen shows, and in which order.
type Query struct {
	By     analyze.Rank
	Filter string
}

// MostFlows is how many flows a sample needs at most.
const MostFlows = 1000

// memory is how many intervals the sparklines have room for: the widest terminals have fewer columns.
const memory = 600

// page is what fills the screen.
type page uint8

const (
	flowsPage page = iota
	detailPage
	findingsPage
	helpPage
)

// model is what the screen shows and what keys have done to it.
type model struct {
	sample   Sample
	interval analyze.Interval // the last
	wire     []float64        // octets a second, by interval
	payload  []float64        // efficiency, by interval
	before   map[name]int64   // wire bytes of flows at the sample before
	latest   map[name]int64

	query    Query
	page     page
	paused   bool
	waiting  *Sample // what came during the pause
	selected int     // of the flows
	top      int     // first flow on the screen
	rows     int     // that fit the screen
	detail   name
	typing   bool // into the filter
	notice   string
	scroll   int
}

// take shows a sample, or keeps it while the screen is paused.
func (m *model) take(s Sample) {
	if s.Interval != nil {
		m.interval = *s.Interval
		m.wire = remember(m.wire, s.Interval.PerSecond(s.Interval.WireBytes))
		m.payload = remember(m.payload, float64(s.Interval.Efficiency()))
		m.before, m.latest = m.latest, map[name]int64{}
		for i := range s.Flows {
			m.latest[nameOf(&s.Flows[i])] = s.Flows[i].WireBytes()
		}
	}
	if m.paused {
		m.waiting = &s
		return
	}
	m.show(s)
}

// show replaces the sample; the selected flow stays the selected one.
func (m *model) show(s Sample) {
	var was name
	if f := m.flow(); f != nil {
		was = nameOf(f)
	}
	m.sample = s
	if m.selected > 0 { // who has not moved wants to see the first
		if i := slices.IndexFunc(s.Flows, func(f analyze.Flow) bool { return nameOf(&f) == was }); i >= 0 {
			m.selected = i
		}
	}
	m.selected = max(0, min(m.selected, len(s.Flows)-1))
}

func remember(values []float64, v float64) []float64 {
	if v != v { // efficiency of nothing
		v = 0
	}
	if len(values) == memory {
		values = values[1:]
	}
	return append(values, v)
}

// flow is the selected one; nil without any.
func (m *model) flow() *analyze.Flow {
	if m.selected >= len(m.sample.Flows) {
		return nil
	}
	return &m.sample.Flows[m.selected]
}

// action is what a key asks of others than the model.
type action uint8

const (
	none    action = iota
	quit           // end the watch
	ask            // for flows in another order, or others
	save           // the result so far
	suspend        // stop the process, as the shell's Ctrl-Z
	redraw         // everything: the terminal shows something else
)

// press takes a key.
func (m *model) press(k *tcell.EventKey) action {
	m.notice = ""
	switch k.Key() {
	case tcell.KeyCtrlC:
		return quit
	case tcell.KeyCtrlZ:
		return suspend
	case tcell.KeyCtrlL:
		return redraw
	}
	switch {
	case m.typing:
		return m.typeInto(k)
	case m.page != flowsPage:
		return m.turn(k)
	}
	switch k.Key() {
	case tcell.KeyUp:
		m.selected--
	case tcell.KeyDown:
		m.selected++
	case tcell.KeyPgUp:
		m.selected -= max(m.rows, 1)
	case tcell.KeyPgDn:
		m.selected += max(m.rows, 1)
	case tcell.KeyHome:
		m.selected = 0
	case tcell.KeyEnd:
		m.selected = len(m.sample.Flows)
	case tcell.KeyEnter:
		if f := m.flow(); f != nil {
			m.page, m.detail, m.scroll = detailPage, nameOf(f), 0
		}
	case tcell.KeyEscape:
		if m.query.Filter != "" {
			m.query.Filter = ""
			return ask
		}
	case tcell.KeyRune:
		return m.letter(k.Str())
	}
	m.selected = max(0, min(m.selected, len(m.sample.Flows)-1))
	return none
}

// letter takes a key that is a command.
func (m *model) letter(letter string) action {
	switch letter {
	case "q":
		return quit
	case "p", " ":
		m.paused = !m.paused
		if !m.paused && m.waiting != nil {
			m.show(*m.waiting)
			m.waiting = nil
		}
	case "s":
		m.query.By = (m.query.By + 1) % analyze.NumRanks
		return ask
	case "S":
		m.query.By = (m.query.By + analyze.NumRanks - 1) % analyze.NumRanks
		return ask
	case "/":
		m.typing = true
	case "w":
		return save
	case "f":
		m.page, m.scroll = findingsPage, 0
	case "?", "h":
		m.page, m.scroll = helpPage, 0
	case "j":
		m.selected = min(m.selected+1, max(len(m.sample.Flows)-1, 0))
	case "k":
		m.selected = max(m.selected-1, 0)
	}
	return none
}

// typeInto takes a key of the filter's text; the flows follow every letter.
func (m *model) typeInto(k *tcell.EventKey) action {
	switch k.Key() {
	case tcell.KeyEnter:
		m.typing = false
		return none
	case tcell.KeyEscape:
		m.typing, m.query.Filter = false, ""
	case tcell.KeyBackspace, tcell.KeyDelete:
		if text := []rune(m.query.Filter); len(text) > 0 {
			m.query.Filter = string(text[:len(text)-1])
		}
	case tcell.KeyCtrlU:
		m.query.Filter = ""
	case tcell.KeyRune:
		if len(m.query.Filter) < 60 {
			m.query.Filter += k.Str()
		}
	}
	m.selected = 0
	return ask
}

// turn takes a key on a page of text.
func (m *model) turn(k *tcell.EventKey) action {
	switch k.Key() {
	case tcell.KeyUp:
		m.scroll--
	case tcell.KeyDown:
		m.scroll++
	case tcell.KeyPgUp:
		m.scroll -= max(m.rows, 1)
	case tcell.KeyPgDn:
		m.scroll += max(m.rows, 1)
	case tcell.KeyEscape, tcell.KeyEnter, tcell.KeyBackspace:
		m.page = flowsPage
	case tcell.KeyRune:
		switch k.Str() {
		case "q", "?", "h", "f":
			m.page = flowsPage
		case "j":
			m.scroll++
		case "k":
			m.scroll--
		case "p", " ", "w":
			return m.letter(k.Str())
		}
	}
	m.scroll = max(m.scroll, 0)
	return none
}

// detailed is the flow that the detail page is about; nil where the sample does not have it any more.
func (m *model) detailed() *analyze.Flow {
	for i := range m.sample.Flows {
		if nameOf(&m.sample.Flows[i]) == m.detail {
			return &m.sample.Flows[i]
		}
	}
	return nil
}

// keys is the line of the keys that do something now.
func (m *model) keys(width int) string {
	switch {
	case m.typing:
		return "filter: " + m.query.Filter + "_   Enter keep  Esc all flows"
	case m.notice != "":
		return m.notice
	case m.page != flowsPage:
		return "Esc back  p pause  w save"
	}
	keys := []string{"q quit", "? help", "p pause", "s sort: " + m.query.By.String(), "/ filter", "Enter flow", "f findings", "w save"}
	if m.paused {
		keys[2] = "p go on"
	}
	if m.query.Filter != "" {
		keys[4] = "/ filter: " + m.query.Filter + " (Esc: all)"
	}
	line := keys[0]
	for _, k := range keys[1:] {
		if len(line)+2+len(k) <= width {
			line += "  " + k
		}
	}
	return line
}
