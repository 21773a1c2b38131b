package main

import (
	"math"
	"testing"
	"testing/fstest"
)

func TestFreeMemory(t *testing.T) {
	const meminfo = "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\nHugePages_Total: 0\n"
	tests := []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing tells", nil, math.MaxInt64},
		{"no group", map[string]string{"proc/meminfo": meminfo}, 8_000_000 << 10},
		{"cgroup 2 without limit", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/user.slice\n",
			"sys/fs/cgroup/user.slice/memory.max": "max\n"}, 8_000_000 << 10},
		{"a limit of cgroup 2, less what is used", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/user.slice/a\n",
			"sys/fs/cgroup/user.slice/a/memory.max": "1000\n", "sys/fs/cgroup/user.slice/a/memory.current": "400\n"}, 600},
		{"a limit of the group above", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/user.slice/a\n",
			"sys/fs/cgroup/user.slice/a/memory.max": "max\n", "sys/fs/cgroup/user.slice/memory.max": "5000\n"}, 5000},
		{"a container that sees its group as the root", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "7000\n"}, 7000},
		{"cgroup 1", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "12:cpu,cpuacct:/x\n9:memory:/docker/1234\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9000\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "9500\n"}, 0},
	}
	for _, test := range tests {
		system := fstest.MapFS{}
		for name, text := range test.files {
			system[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := freeMemory(system); got != test.want {
			t.Errorf("%s: %d octets, want %d", test.name, got, test.want)
		}
	}
}
