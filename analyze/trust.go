package analyze

import "fmt"

// LostByRequest is the key in Trial.Drops of the frames that the link lost because the experiment asks for loss.
const LostByRequest = "lost_by_request"

// LostOnPath is the key in Trial.Drops of the frames that left one host and did not arrive at the other: a property of their
// link, which the run measures, and no doubt about what was sent.
const LostOnPath = "lost_on_path"

// Dropped is the number of frames, datagrams included, that got lost though nobody asked for it: the trial shows less than
// what happened.
func (t *Trial) Dropped() int64 {
	var n int64
	for reason, dropped := range t.Drops {
		if reason != LostByRequest && reason != LostOnPath {
			n += max(dropped, 0)
		}
	}
	return n
}

// Verified reports whether the witnesses agree and nothing was dropped: only then can the trial's figures be trusted.
func (t *Trial) Verified() bool { return t.Witnesses.Agree && t.Dropped() == 0 }

// Trust says in how many trials independent counters confirm the counts.
type Trust struct {
	Verified       bool  `json:"verified"` // every trial is; false without trials
	Trials         int64 `json:"trials"`
	TrialsVerified int64 `json:"trials_verified"`
	Drops          int64 `json:"drops"` // see Trial.Dropped
}

// trust sums up the trials.
func (r *Run) trust() *Trust {
	t := new(Trust)
	for i := range r.Workloads {
		for j := range r.Workloads[i].Transports {
			trials := r.Workloads[i].Transports[j].Trials
			for n := range trials {
				t.Trials++
				t.Drops += trials[n].Dropped()
				if trials[n].Verified() {
					t.TrialsVerified++
				}
			}
		}
	}
	t.Verified = t.Trials > 0 && t.TrialsVerified == t.Trials
	return t
}

// Verified reports whether no trial is in doubt.
func (r *Run) Verified() bool { t := r.trust(); return t.TrialsVerified == t.Trials }

// addNeedlessRetransmissions warns of TCP frames that were sent again on links that lose none and are nobody else's. Where
// something was dropped after all, that is the reason.
func (r *Run) addNeedlessRetransmissions() {
	again := Warning{Code: "retransmissions_without_loss"}
	first := ""
	for i := range r.Workloads {
		w := &r.Workloads[i]
		if l := r.LinkOf(w); l.Loss > 0 || l.Kind == "interface" {
			continue
		}
		for j := range w.Transports {
			t := &w.Transports[j]
			for n := range t.Trials {
				if t.Trials[n].Dropped()+t.Trials[n].Drops[LostByRequest] > 0 {
					continue
				}
				if again.Count += t.Trials[n].RetransmitFrames; again.Count > 0 && first == "" {
					first = fmt.Sprintf("%s trial %d", t.Name, n+1)
				}
			}
		}
	}
	if again.Count > 0 {
		again.Message = fmt.Sprintf("TCP sent %d frames again though the link loses none, first in %s: a timer fired early (a busy machine?)", again.Count, first)
		r.Warnings = append(r.Warnings, again)
	}
}

// addDistrust says among the warnings why Verified is false, for programs that read those first. Each warning counts trials.
func (r *Run) addDistrust() {
	disagree := Warning{Code: "witnesses_disagree", Distrust: true}
	dropped := Warning{Code: "frames_dropped", Distrust: true}
	for i := range r.Workloads {
		for j := range r.Workloads[i].Transports {
			t := &r.Workloads[i].Transports[j]
			for n := range t.Trials {
				trial := &t.Trials[n]
				if !trial.Witnesses.Agree {
					disagree.firstOf(t.Name, n, "the counts of frames differ")
				}
				if lost := trial.Dropped(); lost > 0 {
					dropped.firstOf(t.Name, n, fmt.Sprintf("%d frames or datagrams dropped", lost))
				}
			}
		}
	}
	for _, w := range []Warning{disagree, dropped} {
		if w.Count > 0 {
			r.Warnings = append(r.Warnings, w)
		}
	}
}

// firstOf counts a trial; the message names the first one.
func (w *Warning) firstOf(transport string, n int, what string) {
	if w.Count++; w.Count == 1 {
		w.Message = fmt.Sprintf("%s trial %d, first of those not verified: %s", transport, n+1, what)
	}
}

// confront holds the figures of the analysis against the witnesses: the records of the capture, and the segments that
// TCP_INFO knows, which are the frames of the wire also where the capture had super-frames.
func (t *Trial) confront(records int64) {
	if t.Witnesses.Capture != records {
		t.disagree("records in %s %d, frames captured %d", t.Capture, records, t.Witnesses.Capture)
	}
	if n := t.Witnesses.Interface; n != 0 && n != t.Witnesses.Capture {
		t.disagree("packets the interfaces sent %d, frames captured %d", t.Witnesses.Interface, t.Witnesses.Capture)
	}
	if segs := t.Witnesses.TCPInfoSegs; segs != 0 && segs != t.Frames {
		t.disagree("frames of the connection %d, segments of TCP_INFO %d", t.Frames, segs)
	}
}

func (t *Trial) disagree(format string, args ...any) {
	t.Witnesses.Agree = false
	t.Witnesses.Disagree = append(t.Witnesses.Disagree, fmt.Sprintf(format, args...))
}
