package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestBrowser opens reports in a real browser. SCREENSHOTS=DIR keeps pictures of them to look at.
func TestBrowser(t *testing.T) {
	chromium, axe := browserTools(t)
	dir := t.TempDir()
	hostile := filepath.Join(dir, `<img src=x onerror=alert(1)>"'.pcapng`)
	copyFile(t, "../../testdata/thread/tcp-nodelay-01.pcapng", hostile)
	for _, r := range []struct {
		name   string
		args   []string
		frames map[string]int // drawn, by strip
	}{
		{"run", []string{"../../testdata/thread"}, drawnFrames(t, "../../testdata/thread")},
		{"matrix", []string{twoLinks(t)}, nil},
		{"capture", []string{"--frames", hostile, "../../testdata/thread/udp-01.pcapng"}, nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			file := filepath.Join(dir, r.name+".html")
			var stderr bytes.Buffer
			args := append([]string{"analyze", "--format", "html", "--output", file}, r.args...)
			if code := wiretax(t.Context(), strings.NewReader(""), &stderr, &stderr, args); code != 0 {
				t.Fatalf("exit code %d: %s", code, &stderr)
			}
			b := openReport(t, chromium, file)
			b.checkFrames(r.frames)
			b.checkSorting()
			b.checkKeyboard()
			b.checkStepping()
			b.checkTables()
			if r.name == "capture" {
				b.checkFilter()
			}
			for _, look := range []struct {
				name   string
				width  int64
				scheme string
			}{{"light", 1100, "light"}, {"dark", 1100, "dark"}, {"phone", 390, "light"}} {
				b.look(look.width, look.scheme)
				b.checkAccessibility(axe, look.name)
				b.screenshot(r.name + "-" + look.name)
			}
			b.checkPrint(r.name)
			if problems := b.problems(); len(problems) > 0 {
				t.Errorf("the browser complains:\n%s", strings.Join(problems, "\n"))
			}
		})
	}
}

// browserTools finds Chromium and axe-core. In CI they have to be there.
func browserTools(t *testing.T) (chromium, axe string) {
	t.Helper()
	missing := t.Skip
	if os.Getenv("CI") != "" {
		missing = t.Fatal
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		missing("no Chromium (make browser)")
	}
	script, err := os.ReadFile("../../node_modules/axe-core/axe.min.js")
	if err != nil {
		missing("no axe-core (make browser)")
	}
	return chromium, string(script)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// twoLinks is a run over two links: the stored one, twice.
func twoLinks(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/thread")); err != nil {
		t.Fatal(err)
	}
	var run struct {
		Workloads []map[string]any `json:"workloads"`
		Link      map[string]any   `json:"link"`
	}
	var whole map[string]any
	manifest := filepath.Join(dir, "run.json")
	b, err := os.ReadFile(manifest)
	if err == nil {
		err = errors.Join(json.Unmarshal(b, &run), json.Unmarshal(b, &whole))
	}
	if err != nil {
		t.Fatal(err)
	}
	slower, link := maps.Clone(run.Workloads[0]), maps.Clone(run.Link)
	link["rtt_seconds"] = 0.01
	slower["link"] = link
	whole["workloads"] = append(run.Workloads, slower)
	if b, err = json.Marshal(whole); err == nil {
		err = os.WriteFile(manifest, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// drawnFrames is the number of frames of the trial that a report draws, which in this run is the same in all trials.
func drawnFrames(t *testing.T, dir string) map[string]int {
	t.Helper()
	r, err := loadRun(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	frames := make(map[string]int)
	for i := range r.Workloads[0].Transports {
		transport := &r.Workloads[0].Transports[i]
		frames[transport.Name] = int(transport.Trials[transport.Typical()].Frames)
	}
	return frames
}

// browser is a report in a tab.
type browser struct {
	*testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
}

func openReport(t *testing.T, chromium, file string) *browser {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(chromium), chromedp.UserDataDir(t.TempDir())}
	for _, flag := range []string{"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-dev-shm-usage", "hide-scrollbars"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{T: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	call(b, network.Enable, network.EnableParams{})
	b.do(chromedp.EmulateViewport(1100, 900), chromedp.Navigate("file://"+(&url.URL{Path: file}).EscapedPath()))
	return b
}

// listen keeps what must not happen: errors, and requests for anything but the file.
func (b *browser) listen(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = "exception: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		text = fmt.Sprintf("console.%s", e.Type)
	case *log.EventEntryAdded:
		text = e.Entry.Text
	case *page.EventJavascriptDialogOpening:
		text = "dialog: " + e.Message
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "file://") && !strings.HasPrefix(e.Request.URL, "blob:") {
			text = "request: " + e.Request.URL
		}
	}
	if text != "" {
		b.mu.Lock()
		b.complaints = append(b.complaints, text)
		b.mu.Unlock()
	}
}

func (b *browser) problems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.complaints
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// call sends one command of the protocol.
func call[P, R any](b *browser, command cdp.Command[P, R], params P) R {
	b.Helper()
	result, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.Fatal(err)
	}
	return result
}

// eval evaluates a script and waits for its promise.
func eval[T any](b *browser, script string) T {
	b.Helper()
	result, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%.200s: %v", script, err)
	}
	return result
}

// eval evaluates a script for what it does.
func (b *browser) eval(script string) { b.Helper(); eval[chromedp.Void](b, script) }

// look sets the width of the window and the colours that the reader prefers.
func (b *browser) look(width int64, scheme string) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, 900))
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

func (b *browser) checkFrames(want map[string]int) {
	b.Helper()
	got := eval[map[string]int](b, `Object.fromEntries(all('.strip').map(s => [s.querySelector('b').textContent,
		all('use', s).filter(u => u.getBoundingClientRect().width > 0 && u.getBoundingClientRect().height > 0).length]))`)
	if len(got) == 0 {
		b.Error("no frames are drawn")
	}
	for name, n := range want {
		if got[name] != n {
			b.Errorf("%s: %d frames drawn, want %d", name, got[name], n)
		}
	}
	empty := eval[[]string](b, `all('figure').filter(f => f.getBoundingClientRect().height < 20).map(f => f.id)`)
	if len(empty) > 0 {
		b.Errorf("empty figures: %v", empty)
	}
}

// checkSorting clicks on the first heading of numbers of the longest table, twice, and looks at its column.
func (b *browser) checkSorting() {
	b.Helper()
	eval[int](b, `window.sorted = all('figure > .wide table').sort((a, b) => b.rows.length - a.rows.length)[0];
		window.heads = [...sorted.tHead.rows[0].cells];
		window.numeric = heads.findIndex((c, i) => i > 0 && !c.classList.contains('left'))`)
	for _, c := range []struct{ order, holds string }{{"descending", "all[i-1] >= v"}, {"ascending", "all[i-1] <= v"}} {
		if !eval[bool](b, `heads[numeric].querySelector('button').click();
			heads[numeric].getAttribute('aria-sort') === '`+c.order+`' &&
			[...sorted.tBodies[0].rows].map(r => number(r.cells[numeric].textContent)).every((v, i, all) => !i || isNaN(v) || `+c.holds+`)`) {
			b.Errorf("the table is not sorted %s", c.order)
		}
	}
}

func (b *browser) checkFilter() {
	b.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS("#flows .filter"), "UDP 192.0.2"))
	shown := eval[[]string](b, `all('#flows tbody tr').filter(r => !r.hidden).map(r => r.cells[1].textContent)`)
	if len(shown) != 1 || shown[0] != "udp" {
		b.Errorf("the filter leaves %v, want one flow of udp", shown)
	}
}

// checkKeyboard presses Tab until everything that can have the focus has had it.
func (b *browser) checkKeyboard() {
	b.Helper()
	const reachable = `all('button, input, summary, [tabindex="0"]').filter(e => e.checkVisibility())`
	want := eval[int](b, `window.reached = new Set(); document.addEventListener('focusin', e => reached.add(e.target)); `+reachable+`.length`)
	for range want {
		b.do(chromedp.KeyEvent(kb.Tab))
	}
	missed := eval[[]string](b, reachable+`.filter(e => !reached.has(e)).map(e => e.outerHTML.slice(0, 80))`)
	if len(missed) > 0 || want < 10 {
		b.Errorf("of %d places the keyboard does not reach %q", want, missed)
	}
}

// checkStepping goes through a strip with the arrow keys, zoomed in.
func (b *browser) checkStepping() {
	b.Helper()
	b.eval(`document.querySelector('.zoom').click(); document.querySelector('.lanes').focus()`)
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	tip := eval[string](b, `document.querySelector('.tip:not([hidden])').textContent`)
	if !strings.HasPrefix(tip, "frame ") || !strings.Contains(tip, "ethernet\u00a014") {
		b.Errorf("the arrow key shows %q, want the owners of a frame", tip)
	}
	b.do(chromedp.KeyEvent(kb.Escape))
	b.eval(`document.querySelector('.zoom[data-zoom="0"]').click()`)
}

// checkTables opens the data of every chart: each is a table that can be downloaded.
func (b *browser) checkTables() {
	b.Helper()
	b.eval(`all('details').forEach(d => d.open = true)`)
	b.eval(`new Promise(done => setTimeout(done, 300))`) // until the tables of frames are made
	bad := eval[[]string](b, `all('figure').filter(f => f.querySelector('.bars, .plot, .strips')).filter(f => {
			const table = f.querySelector('table');
			if (!table || table.tBodies[0].rows.length === 0) return true;
			const lines = csv(table).trim().split('\r\n');
			return lines.length !== table.rows.length || lines[0].split(',').length !== table.rows[0].cells.length;
		}).map(f => f.id)`)
	if len(bad) > 0 {
		b.Errorf("charts without their data: %v", bad)
	}
	frames, rows := eval[int](b, `all('use').length`), eval[int](b, `all('details.frames tbody tr').length`)
	if frames != rows {
		b.Errorf("%d frames are drawn, %d are in the table", frames, rows)
	}
	b.eval(`all('details.data').forEach(d => d.open = false)`)
}

// checkAccessibility asks axe-core, and that nothing but what scrolls by itself is wider than the window.
func (b *browser) checkAccessibility(axe, look string) {
	b.Helper()
	type violation struct {
		ID, Impact, Help string
		Nodes            []string
	}
	b.eval(axe)
	violations := eval[[]violation](b, `axe.run().then(r => r.violations.map(v =>
		({ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.map(n => n.html.slice(0, 120)).slice(0, 3)})))`)
	for _, v := range violations {
		report := b.Logf
		if v.Impact == "serious" || v.Impact == "critical" {
			report = b.Errorf
		}
		report("%s: axe: %s: %s (%s): %q", look, v.Impact, v.Help, v.ID, v.Nodes)
	}
	if eval[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
		b.Errorf("%s: the page is wider than the window", look)
	}
}

// keep writes a picture where somebody wants to look at it.
func (b *browser) keep(name string, content []byte) {
	b.Helper()
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			b.Fatal(err)
		}
	}
}

func (b *browser) screenshot(name string) {
	b.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	b.keep(name+".png", png)
}

func (b *browser) checkPrint(name string) {
	b.Helper()
	pdf := call(b, page.PrintToPDF, page.PrintToPDFParams{}).Data
	if !bytes.HasPrefix(pdf, []byte("%PDF")) {
		b.Error("printing gives no PDF")
	}
	b.keep(name+".pdf", pdf)
}
