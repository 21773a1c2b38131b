package main

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"wiretax/analyze/stats"
)

// cost is what one run of a program took.
type cost struct{ wall, cpu, peak float64 } // seconds, seconds, megabytes

// run runs a program to its end, its output unread.
func (p *program) run(ctx context.Context) (cost, error) {
	c := exec.CommandContext(ctx, p.args[0], p.args[1:]...)
	start := time.Now()
	err := c.Run()
	wall := time.Since(start)
	if err != nil {
		return cost{}, fmt.Errorf("run %v: %w", p.args, err)
	}
	state := c.ProcessState
	usage := state.SysUsage().(*syscall.Rusage)
	return cost{wall.Seconds(), (state.UserTime() + state.SystemTime()).Seconds(), float64(usage.Maxrss) * 1024 / 1e6}, nil
}

// measure runs the programs in turns, so that what else the machine does meets all of them, and prints a line for each. The
// first program is what the others are compared with. One round before warms the page cache.
func measure(ctx context.Context, in *input, list []program, rounds int) error {
	walls, cpus, peaks := make([][]float64, len(list)), make([][]float64, len(list)), make([][]float64, len(list))
	for round := range rounds + 1 {
		for i := range list {
			if round == 0 && i > 0 {
				continue
			}
			c, err := list[i].run(ctx)
			if err != nil {
				return err
			}
			if round > 0 {
				walls[i], cpus[i], peaks[i] = append(walls[i], c.wall), append(cpus[i], c.cpu), append(peaks[i], c.peak)
			}
		}
	}
	fmt.Printf("| **%s** | | | | | |\n", in.title())
	for i, p := range list {
		wall, cpu := stats.Median(walls[i]), stats.Median(cpus[i])
		fmt.Printf("| %s | %.2f | %.2f | %.0f | %.2f | %.2f |\n", p.name, wall, cpu, stats.Median(peaks[i]),
			wall/stats.Median(walls[0]), cpu/stats.Median(cpus[0]))
	}
	return nil
}
