package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wiretax/capture"
	"wiretax/capture/lab"
	"wiretax/capture/nic"
	"wiretax/capture/privilege"
)

// interfaceFlags name real interfaces to measure on, and who does it.
type interfaceFlags struct {
	near, far string
	inPlace   bool
	user      string
}

func (f *interfaceFlags) register(fl *pflag.FlagSet) {
	fl.StringVarP(&f.near, "interface", "i", "", "measure on this interface, `IF`, instead of a link of its own; the other end is --peer-if (needs root) or --to. lo: a demonstration on loopback, which has no Ethernet")
	fl.StringVar(&f.far, "peer-if", "", "the interface, `IF`, at the other end of -i: a second port of this machine, by a cable or through switches. Both get a network namespace for the run, and are given back as they were")
	fl.BoolVar(&f.inPlace, "in-place", false, "use -i and --peer-if as they are, with their addresses and routes: nothing is moved. Refused where the kernel would deliver between them itself")
	fl.StringVarP(&f.user, "relinquish-privileges", "Z", "", "as root: measure as `USER`, who owns the files (default under sudo: who called it)")
}

// chosen reports whether the run is on real interfaces.
func (f *interfaceFlags) chosen() bool { return f.near != "" || f.far != "" }

// loopback reports whether the run is a demonstration on lo, the one of a namespace of its own: nobody has to lend it.
func (f *interfaceFlags) loopback() bool { return f.near == "lo" }

// check finds mistakes, and flags that are a made link's.
func (f *interfaceFlags) check(c *cobra.Command) error {
	switch {
	case f.inPlace && f.far == "":
		return usagef(c, "--in-place: want -i and --peer-if, the interfaces to use")
	case !f.chosen():
		return nil
	case f.loopback() && f.far != "":
		return usagef(c, "-i lo --peer-if %s: lo is its own other end", f.far)
	case f.loopback():
	case f.far == "lo":
		return usagef(c, "--peer-if lo: no cable leads there: want an interface with Ethernet")
	case f.near == "":
		return usagef(c, "--peer-if %s: want -i, the interface that sends", f.far)
	case f.far == "" && f.unknown(c) != nil:
		return f.unknown(c)
	case f.far == "":
		return usagef(c, "-i %s: want --peer-if, the interface at the other end, or --to, the host", f.near)
	case f.near == f.far:
		return usagef(c, "-i %s --peer-if %s: want two interfaces", f.near, f.far)
	}
	made := []string{"link", "rate", "rtt", "loss", "nic-queue"}
	if f.inPlace {
		made = append(made, "mtu")
	}
	for _, flag := range made {
		if c.Flags().Changed(flag) {
			return usagef(c, "--%s is for a link that wiretax makes: leave it out with -i, where the link is what it is", flag)
		}
	}
	return f.unknown(c)
}

// unknown says which interface this machine has not. Inside, where nothing is borrowed yet, it has none.
func (f *interfaceFlags) unknown(c *cobra.Command) error {
	if lab.Inside() || f.loopback() {
		return nil
	}
	if err := known(c, "-i", f.near); err != nil || f.far == "" {
		return err
	}
	return known(c, "--peer-if", f.far)
}

// apply makes the experiment one on real interfaces. Inside, where it is run, the parent process has borrowed them.
func (f *interfaceFlags) apply(c *cobra.Command, e *capture.Experiment) {
	switch {
	case f.loopback():
		e.Devices = lab.Loopback
	case f.inPlace:
		e.InPlace = [2]string{f.near, f.far}
	default:
		e.Lent = &lab.Lent{Names: [2]string{f.near, f.far}}
	}
	for i := range e.Links {
		l := &e.Links[i]
		l.Rate, l.RTT, l.Loss = 0, 0, 0
		if !c.Flags().Changed("mtu") {
			l.MTU = 0
		}
		if f.inPlace && !c.Flags().Changed("congestion") {
			l.CongestionControl = "" // the machine's own: another may take rights
		}
	}
	if lab.Inside() && e.Lent != nil {
		e.Lent.Move = nic.Borrowed(sharedLoan).Move
	}
}

// sharedLoan is the descriptor that the process inside gets of the loan: the first after standard error.
const sharedLoan = 3

// runOnInterfaces borrows the interfaces and repeats the command inside a user namespace, where it is an ordinary user who has
// the interfaces and nothing else. This process waits, without root, and gives them back at the end; whatever ends it, its guardian does.
func (f *interfaceFlags) runOnInterfaces(ctx context.Context, keepOffloads bool) (err error) {
	user, loan, err := f.borrow(nic.Terms{PlainFrames: !keepOffloads, Move: true})
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(loan.Return(), err) }()
	inner := innerOf(user)
	inner.Files = []*os.File{loan.Share()}
	inner.Started = func() error { return privilege.Drop(user) }
	return runInside(ctx, inner)
}

// borrow takes the interfaces, and finds out who is to use them.
func (f *interfaceFlags) borrow(t nic.Terms) (*privilege.User, *nic.Loan, error) {
	if err := f.needRoot(); err != nil {
		return nil, nil, err
	}
	user, err := privilege.Invoker(f.user)
	if err != nil {
		return nil, nil, err
	}
	loan, err := nic.Borrow([]string{f.near, f.far}, t)
	return user, loan, err
}

func (f *interfaceFlags) needRoot() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("borrow %s and %s: only root can (sudo wiretax run -i %s --peer-if %s)", f.near, f.far, f.near, f.far)
	}
	return nil
}

// userInPlace is who measures in place, with this process; nil where nobody else does than who it is.
func (f *interfaceFlags) userInPlace() (*privilege.User, error) {
	if !f.inPlace {
		return nil, nil
	}
	if err := f.needRoot(); err != nil {
		return nil, err
	}
	return privilege.Invoker(f.user)
}

// innerOf is the process inside as the user; nil is who this process is.
func innerOf(user *privilege.User) lab.Inner {
	if user == nil {
		return lab.Inner{}
	}
	return lab.Inner{UID: user.UID, GID: user.GID}
}

// runElsewhere repeats the command inside a user namespace where the run needs one: for its interfaces, for a user who is not
// root, and for one who should not be. Otherwise it does nothing and reports false.
func (f *interfaceFlags) runElsewhere(ctx context.Context, keepOffloads bool) (done bool, err error) {
	privileged := lab.Privileged()
	switch {
	case lab.Inside() && privileged:
		return false, nil
	case lab.Inside():
		return true, &lab.NamespaceError{What: "network namespace in a user namespace", Cause: errors.New("refused")}
	case f.inPlace:
		return false, nil
	case f.chosen() && !f.loopback():
		return true, f.runOnInterfaces(ctx, keepOffloads)
	}
	user, err := privilege.Invoker(f.user)
	if err != nil {
		return true, err
	}
	if user == nil && privileged {
		return false, nil
	}
	inner := innerOf(user)
	if user != nil { // waiting, and --open, need no root
		inner.Started = func() error { return privilege.Drop(user) }
	}
	err = runInside(ctx, inner)
	if errors.As(err, new(*lab.NamespaceError)) && privileged && f.user == "" {
		return false, nil // nobody may make user namespaces here, but root makes the link without
	}
	return true, err
}

// borrowInPlace has the offloads switched off and given back, and root given up as soon as the captures are open.
func (f *interfaceFlags) borrowInPlace(c *cobra.Command, e *capture.Experiment, user *privilege.User) (giveBack func() error, err error) {
	if len(e.Links) > 1 {
		return nil, usagef(c, "--in-place: the captures are opened once: want one --ip and one --congestion")
	}
	loan, err := nic.Borrow([]string{f.near, f.far}, nic.Terms{PlainFrames: !e.KeepOffloads})
	if err != nil {
		return nil, err
	}
	e.Opened = func() error { return privilege.Drop(user) }
	return loan.Return, nil
}
