package analyze

// LostByRequest is the key in Trial.Drops of the frames that the link lost because the experiment asks for loss.
const LostByRequest = "lost_by_request"

// Dropped is the number of frames, datagrams included, that got lost though nobody asked for it: the trial shows less than
// what happened.
func (t *Trial) Dropped() int64 {
	var n int64
	for reason, dropped := range t.Drops {
		if reason != LostByRequest {
			n += dropped
		}
	}
	return n
}

// Verified reports whether the witnesses agree and nothing was dropped: only then can the trial's figures be trusted.
func (t *Trial) Verified() bool { return t.Witnesses.Agree && t.Dropped() == 0 }

// Verified reports whether every trial is.
func (r *Run) Verified() bool {
	for i := range r.Workloads {
		for j := range r.Workloads[i].Transports {
			trials := r.Workloads[i].Transports[j].Trials
			for n := range trials {
				if !trials[n].Verified() {
					return false
				}
			}
		}
	}
	return true
}
