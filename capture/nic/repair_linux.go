package nic

import (
	"errors"
	"fmt"
	"strings"
)

// restore puts back what the journal has, and removes it when everything is as it was. An interface that is no longer in this
// machine is named and not waited for.
func (j *journal) restore() (gone []string, err error) {
	var failures []error
	for range 2 { // putting one back takes the carrier from its neighbour, with what the kernel forgets then
		gone, failures = j.restoreEach()
	}
	if err := errors.Join(failures...); err != nil {
		return gone, err // the namespaces stay: interfaces may be in them
	}
	return gone, j.drop()
}

func (j *journal) restoreEach() (gone []string, failures []error) {
	for _, s := range j.Interfaces {
		err := j.restoreOne(s)
		if errors.Is(err, errGone) {
			gone = append(gone, s.Name)
			continue
		}
		failures = append(failures, err)
	}
	return gone, failures
}

func (j *journal) restoreOne(s State) error {
	if len(j.Places) == 0 { // it has been in use all the time
		return s.RestoreOffloads()
	}
	if place, moved := j.Places[s.Name]; moved {
		if err := s.fetch(place); err != nil {
			return err
		}
	}
	return s.Restore()
}

func (j *journal) names() string {
	var names []string
	for _, s := range j.Interfaces {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// Repaired is what became of one journal.
type Repaired struct {
	Interfaces string // names
	What       string // what was done, or why nothing
	Err        error  // what could not be done; the journal stays
}

// Repair puts back the interfaces of runs that ended without doing so. It leaves those of runs that go on alone. A journal that
// cannot be read is an error beside what was done.
func Repair() (done []Repaired, err error) {
	if all, err := journals(); len(all) == 0 {
		return nil, err
	}
	unlock, err := lockJournals()
	if err != nil {
		return nil, err
	}
	defer unlock()
	all, err := journals() // now that nobody changes them
	for _, j := range all {
		done = append(done, j.repair())
	}
	return done, err
}

func (j *journal) repair() Repaired {
	r := Repaired{Interfaces: j.names()}
	holder, live := j.liveHolder()
	switch {
	case j.BootID != bootID():
		r.What, r.Err = "changed before the last boot, which has undone it: journal removed", j.remove()
	case live:
		r.What = fmt.Sprintf("in use by process %d: left alone", holder.PID)
	case !j.here() && j.ended():
		r.What, r.Err = "lent by a network namespace that has ended, nothing is left to give back: journal removed", j.drop()
	case !j.here():
		r.What = fmt.Sprintf("of another network namespace (inode %d): left alone; repair it there", j.Namespace)
	default:
		var gone []string
		gone, r.Err = j.restore()
		r.What = "as before the run that was killed"
		if len(gone) > 0 {
			r.What += "; no longer in this machine: " + strings.Join(gone, ", ")
		}
	}
	return r
}

// drop removes the journal, and the namespaces that were kept for it: with them end the virtual interfaces in them; the kernel
// takes others back.
func (j *journal) drop() error {
	var failures []error
	for _, place := range j.Places {
		failures = append(failures, forget(place))
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return j.remove()
}

// Pending are the interfaces of which a run that has ended left something that Repair can mend here.
func Pending() (names []string, err error) {
	all, err := journals()
	for _, j := range all {
		if _, live := j.liveHolder(); !live && j.BootID == bootID() && (j.here() || j.ended()) {
			names = append(names, j.names())
		}
	}
	return names, err
}
