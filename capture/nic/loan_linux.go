package nic

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Terms say what may happen to borrowed interfaces.
type Terms struct {
	PlainFrames bool // switch off what makes super-frames
	Move        bool // they will be moved to other namespaces
}

// Loan is interfaces of this machine that are to be given back as they were. If this process ends without giving them back,
// whatever ends it, its guardian does; if that is killed too, or the power fails, a journal on disk has what Repair needs.
type Loan struct {
	// Stayed are features that make super-frames and are on although they were to be off, by interface: the driver ignored the
	// request.
	Stayed map[string][]string

	socket   *os.File
	guardian *exec.Cmd // nil where another process started it
}

// Borrow takes interfaces of the process's network namespace on the terms. The caller needs CAP_NET_ADMIN, to move them
// CAP_SYS_ADMIN too; the program's main has to call Guard when Guarding. Nothing that this process may lose afterwards,
// root or capabilities, is needed to give them back.
func Borrow(names []string, t Terms) (*Loan, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open socket to guardian: %w", err)
	}
	far := os.NewFile(uintptr(fds[1]), "guardian")
	defer far.Close()
	l := &Loan{socket: os.NewFile(uintptr(fds[0]), "guardian")}
	l.guardian = exec.Command("/proc/self/exe")
	l.guardian.Args[0] = os.Args[0]
	l.guardian.Env = append(os.Environ(), guardianEnv+"=1")
	l.guardian.ExtraFiles = []*os.File{far}
	l.guardian.Stderr = os.Stderr
	// A session of its own: what a terminal sends to the program's group does not reach it.
	l.guardian.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := l.guardian.Start(); err != nil {
		l.socket.Close()
		return nil, fmt.Errorf("start guardian: %w", err)
	}
	a, err := l.ask(request{Borrow: names, PlainFrames: t.PlainFrames, ForMove: t.Move}, nil)
	if err != nil {
		return nil, errors.Join(err, l.Return())
	}
	l.Stayed = a.Stayed
	return l, nil
}

// Share returns the socket to the guardian, for a child process that calls Borrowed with its number there.
func (l *Loan) Share() *os.File { return l.socket }

// Borrowed is the loan of the parent process, whose shared socket is a descriptor of this process. Return does nothing then:
// the parent gives the interfaces back.
func Borrowed(fd uintptr) *Loan {
	unix.CloseOnExec(int(fd))
	return &Loan{socket: os.NewFile(fd, "guardian")}
}

// Move puts a borrowed interface into another network namespace, with its name, down and without addresses.
func (l *Loan) Move(name string, namespace *os.File) error {
	_, err := l.ask(request{Move: name}, namespace)
	return err
}

func (l *Loan) ask(r request, file *os.File) (a reply, err error) {
	if err := send(int(l.socket.Fd()), r, file); err != nil {
		return a, fmt.Errorf("ask guardian: %w", err)
	}
	return l.answer()
}

func (l *Loan) answer() (a reply, err error) {
	b, _, err := receiveMessage(int(l.socket.Fd()))
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	if err == nil && a.Error != "" {
		return a, errors.New(a.Error)
	}
	if err != nil {
		err = fmt.Errorf("read guardian's answer: %w", err)
	}
	return a, err
}

// Return gives everything back and waits until it is as it was.
func (l *Loan) Return() error {
	defer l.socket.Close()
	if l.guardian == nil {
		return nil
	}
	unix.Shutdown(int(l.socket.Fd()), unix.SHUT_WR)
	_, err := l.answer()
	waitErr := l.guardian.Wait()
	if err != nil {
		return fmt.Errorf("give interfaces back: %w (sudo wiretax doctor --restore tries again)", err)
	}
	if waitErr != nil {
		return fmt.Errorf("give interfaces back: guardian: %w", waitErr)
	}
	return nil
}
