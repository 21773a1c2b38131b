package main

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"

	"wiretax/analyze"
)

// affordableFlows is how many flows a quarter of the memory that the process can have holds; 0, which is no limit, where
// nothing tells how much that is.
func affordableFlows() int {
	const fewest = 1 << 16
	octets := freeMemory(os.DirFS("/"))
	if octets == math.MaxInt64 {
		return 0
	}
	return max(int(octets/4/analyze.OctetsPerFlow), fewest)
}

// freeMemory is how many octets the process can still have: what the machine has (MemAvailable, proc_meminfo(5)), at most what
// its control groups leave it (cgroups(7)).
func freeMemory(system fs.FS) int64 {
	free := int64(math.MaxInt64)
	meminfo, _ := fs.ReadFile(system, "proc/meminfo")
	for line := range bytes.Lines(meminfo) {
		if fields := bytes.Fields(line); len(fields) == 3 && string(fields[0]) == "MemAvailable:" {
			if n, err := strconv.ParseInt(string(fields[1]), 10, 64); err == nil {
				free = n << 10
			}
		}
	}
	groups, _ := fs.ReadFile(system, "proc/self/cgroup")
	for line := range bytes.Lines(groups) {
		switch parts := bytes.SplitN(bytes.TrimSpace(line), []byte(":"), 3); {
		case len(parts) < 3:
		case len(parts[1]) == 0: // version 2
			free = min(free, leftByGroups(system, "sys/fs/cgroup", string(parts[2]), "memory.max", "memory.current"))
		case bytes.Contains(parts[1], []byte("memory")):
			free = min(free, leftByGroups(system, "sys/fs/cgroup/memory", string(parts[2]), "memory.limit_in_bytes", "memory.usage_in_bytes"))
		}
	}
	return free
}

// leftByGroups is what a control group and those above it leave. In a container the path may be one of the host: then only
// the root is there, which is the container's own group.
func leftByGroups(system fs.FS, root, group, limit, usage string) int64 {
	left := int64(math.MaxInt64)
	for group = path.Clean("/" + group); ; group = path.Dir(group) {
		dir := path.Join(root, group)
		if most, ok := readNumber(system, path.Join(dir, limit)); ok {
			used, _ := readNumber(system, path.Join(dir, usage))
			left = min(left, max(most-used, 0))
		}
		if group == "/" {
			return left
		}
	}
}

// readNumber reads a file that holds a number; max, which is none, means no limit.
func readNumber(system fs.FS, name string) (int64, bool) {
	b, err := fs.ReadFile(system, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	return n, err == nil
}
