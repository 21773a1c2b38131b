package screen

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"
)

// suspend gives the terminal back and stops the process, with those of its job, until the shell lets them go on.
func (s *Screen) suspend() error {
	if err := s.terminal.Suspend(); err != nil {
		return fmt.Errorf("suspend: %w", err)
	}
	woken := make(chan os.Signal, 1)
	signal.Notify(woken, syscall.SIGCONT)
	defer signal.Stop(woken)
	var caught sigaction
	setAction(syscall.SIGTSTP, new(sigaction), &caught)
	syscall.Kill(0, syscall.SIGTSTP)
	select {
	case <-woken:
	case <-time.After(100 * time.Millisecond): // without job control nobody stops
	}
	setAction(syscall.SIGTSTP, &caught, nil)
	if err := s.terminal.Resume(); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	return nil
}

// sigaction is the kernel's structure of that name, of which only zero, the default action, is of interest.
type sigaction [4]uint64

// setAction replaces the action of a signal. Go's signal.Reset does not bring back the default of SIGTSTP once it was caught:
// the handler stays and does nothing.
func setAction(s syscall.Signal, action, old *sigaction) {
	const setSize = 8 // octets of a signal set
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(action)), uintptr(unsafe.Pointer(old)), setSize, 0, 0)
}
