package nic

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The guardian is a child process that changes interfaces and puts them back. It alone keeps the right to do so: the process that
// captures gives up root, and may be killed. The guardian notices by its socket that the other side is gone, whatever ended it.

// guardianEnv marks the process that Borrow starts.
const guardianEnv = "WIRETAX_GUARDIAN"

// Guarding reports whether this process was started by Borrow. Its main has to call Guard then, and nothing else.
func Guarding() bool { return os.Getenv(guardianEnv) != "" }

// guardianFD is the guardian's end of the socket, SOCK_SEQPACKET: a message is a request or its reply.
const guardianFD = 3

// maxMessage is far more than a request or a reply takes, in octets.
const maxMessage = 64 << 10

type request struct {
	Borrow      []string `json:",omitempty"`
	PlainFrames bool     `json:",omitempty"`
	ForMove     bool     `json:",omitempty"`
	Move        string   `json:",omitempty"` // with the namespace's descriptor
}

type reply struct {
	Error  string
	Stayed map[string][]string // see Loan
}

// Guard serves requests until the other side is gone, puts everything back and returns the exit code.
func Guard() int {
	// What ends the run ends the other side: its end is waited for.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGPIPE)
	unix.CloseOnExec(guardianFD)
	g := new(guardian)
	for {
		r, namespace, err := receive(guardianFD)
		if err != nil {
			break
		}
		answer, err := g.serve(r, namespace)
		if namespace != nil {
			namespace.Close()
		}
		if err != nil {
			answer.Error = err.Error()
		}
		send(guardianFD, answer, nil) // who is gone needs no answer
	}
	return g.end()
}

type guardian struct{ journal *journal }

func (g *guardian) serve(r request, namespace *os.File) (a reply, err error) {
	switch {
	case (r.ForMove || r.Move != "") && rightsOfFile():
		return a, fmt.Errorf("move interfaces: %w", errRightsOfFile)
	case g.journal == nil && len(r.Borrow) > 0:
		return g.borrow(r)
	case g.journal != nil && r.Move != "" && namespace != nil:
		return a, g.move(r.Move, namespace)
	}
	return a, errors.New("unexpected request")
}

// borrow writes down what the interfaces are, and changes them after that.
func (g *guardian) borrow(r request) (a reply, err error) {
	unlock, err := lockJournals()
	if err != nil {
		return a, err
	}
	defer unlock()
	if err := free(r.Borrow); err != nil {
		return a, err
	}
	var states []State
	for _, name := range r.Borrow {
		s, err := Read(name)
		if err == nil && s.Name != name { // the journals have one name for an interface, so that two runs cannot borrow it
			err = fmt.Errorf("borrow %s: another name of %s (use that)", name, s.Name)
		}
		if err == nil && r.ForMove {
			err = movable(s)
		}
		if err != nil {
			return a, err
		}
		states = append(states, s)
	}
	j, err := newJournal(states)
	if err == nil {
		j.announce()
		if err = j.write(); err != nil {
			j.withdraw()
		}
	}
	if err != nil {
		return a, err
	}
	g.journal = j
	a.Stayed = make(map[string][]string)
	for _, name := range r.Borrow {
		if !r.PlainFrames {
			break
		}
		stayed, err := plainFrames(name)
		if err != nil {
			return a, err
		}
		if len(stayed) > 0 {
			a.Stayed[name] = stayed
		}
	}
	return a, nil
}

// free refuses interfaces that are in another run's journal.
func free(names []string) error {
	all, err := journals()
	if err != nil {
		return err
	}
	for _, j := range all {
		if j.BootID != bootID() || !j.here() {
			continue
		}
		for _, s := range j.Interfaces {
			if !slices.Contains(names, s.Name) {
				continue
			}
			if holder, live := j.liveHolder(); live {
				return fmt.Errorf("borrow %s: in use by wiretax, process %d", s.Name, holder.PID)
			}
			return fmt.Errorf("borrow %s: a run that was killed left it changed (sudo wiretax doctor --restore)", s.Name)
		}
	}
	return nil
}

// move puts a borrowed interface into the namespace, from wherever it is. The journal knows where before anything is there: a
// namespace that is kept and in no journal would stay until the machine stops.
func (g *guardian) move(name string, namespace *os.File) error {
	i := slices.IndexFunc(g.journal.Interfaces, func(s State) bool { return s.Name == name })
	if i < 0 {
		return fmt.Errorf("move %s: not borrowed", name)
	}
	if before := g.journal.Places[name]; before != "" {
		if err := errors.Join(g.journal.Interfaces[i].fetch(before), forget(before)); err != nil {
			return err
		}
	}
	place := placeOf(name)
	if err := vacant(place); err != nil {
		return err
	}
	g.journal.Places[name] = place
	if err := g.journal.write(); err != nil {
		return err
	}
	if err := keep(namespace, place); err != nil {
		return err
	}
	return move(name, namespace)
}

// end puts everything back and tells whoever still listens.
func (g *guardian) end() int {
	var a reply
	if g.journal != nil {
		gone, err := g.journal.restore()
		if err != nil {
			a.Error = strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		if len(gone) > 0 {
			fmt.Fprintf(os.Stderr, "wiretax: %s vanished during the run: nothing is left to give back\n", strings.Join(gone, ", "))
		}
	}
	if send(guardianFD, a, nil) != nil && a.Error != "" {
		fmt.Fprintf(os.Stderr, "wiretax: put interfaces back: %s (sudo wiretax doctor --restore tries again)\n", a.Error)
	}
	if a.Error != "" {
		return 1
	}
	return 0
}

// lockJournals keeps other processes from the journals until unlock (flock(2)).
func lockJournals() (unlock func(), err error) {
	dir := directories()[0]
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make directory of journals: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock journals: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock journals: %w", err)
	}
	return func() { f.Close() }, nil
}

// send writes one message, with a descriptor if there is one.
func send(fd int, message any, file *os.File) error {
	b, err := json.Marshal(message)
	if err != nil {
		return err
	}
	var rights []byte
	if file != nil {
		rights = unix.UnixRights(int(file.Fd()))
	}
	return unix.Sendmsg(fd, b, rights, nil, unix.MSG_NOSIGNAL)
}

// receive reads one request. The end of the other side is an error.
func receive(fd int) (r request, file *os.File, err error) {
	b, file, err := receiveMessage(fd)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil && file != nil {
		file.Close()
		file = nil
	}
	return r, file, err
}

func receiveMessage(fd int) (b []byte, file *os.File, err error) {
	b, rights := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4))
	var n, controls int
	for {
		n, controls, _, _, err = unix.Recvmsg(fd, b, rights, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if messages, err := unix.ParseSocketControlMessage(rights[:controls]); err == nil && len(messages) == 1 {
		if fds, err := unix.ParseUnixRights(&messages[0]); err == nil && len(fds) == 1 {
			file = os.NewFile(uintptr(fds[0]), "namespace")
		}
	}
	if n == 0 {
		return nil, file, errors.New("the other side is gone")
	}
	return b[:n], file, nil
}
