package proc

import (
	"slices"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
)

func TestEnviron(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for env, want := range map[string]facts{
		"":                                       {},
		"A=b\x00LD_PRELOAD=/x.so\x00":            {preload: true},
		"LD_AUDIT=/x.so":                         {preload: true},
		"LD_PRELOAD=\x00LD_PRELOADED=1\x00":      {},
		"XLD_PRELOAD=1\x00A=LD_PRELOAD=1\x00":    {},
		"A=" + long + "\x00LD_PRELOAD=/x\x00":    {preload: true},
		"A=" + long + "LD_PRELOAD=/x\x00":        {},
		"LD_PRELOAD=" + long:                     {preload: true},
		"SYSTEMD_EXEC_PID=42\x00":                {execPid: 42},
		"SYSTEMD_EXEC_PID=x\x00INVOCATION=1\x00": {},
	} {
		var f facts
		f.environ(strings.NewReader(env))
		if f.preload != want.preload || f.execPid != want.execPid {
			t.Errorf("%.40q: preload %v, exec pid %d", env, f.preload, f.execPid)
		}
	}
}

func TestMappedFiles(t *testing.T) {
	p := &event.Process{Exe: "/usr/bin/x", ExeInode: 7, ExeDev: 0xfe<<20 | 1}
	got := mappedFiles(strings.NewReader(strings.Join([]string{
		"55d0-55d1 r-xp 00000000 fe:01 7                          /usr/bin/x",
		"55d0-55d1 r-xp 00000000 fe:01 7                          /usr/bin/x-by-another-name (deleted)",
		"7f00-7f01 r-xp 00000000 fe:02 7                          /lib/same-number.so",
		"7f00-7f01 r--p 00000000 fe:01 9                          /lib/data.so",
		"7f00-7f01 r-xp 00000000 fe:01 8                          /lib/a b.so",
		"7f00-7f01 rwxp 00001000 fe:01 8                          /lib/a b.so",
		"7f00-7f01 --xs 00000000 fe:01 10                         /tmp/.x/gone.so (deleted)",
		"7f00-7f01 r-xp 00000000 00:01 11                         /memfd:jit (deleted)",
		"7f00-7f01 r-xp 00000000 fe:01 12                         /memfd:on-disk",
		"7f00-7f01 r-xp 00000000 00:01 13                         /dev/zero (deleted)",
		"7f00-7f01 r-xp 00000000 00:19 14                         /dev/shm/x.so (deleted)",
		"7f00-7f01 r-xp 00000000 fe:01 15                         /a\\012b",
		"7f00-7f01 rwxp 00000000 00:00 0",
		"7f00-7f01 r-xp 00000000 00:00 0                          [vdso]",
		"7f00-7f01 r-xp 00000000 00:0e 3                          anon_inode:[perf_event]",
		"broken",
	}, "\n")), p)
	want := []mapping{
		{"/lib/same-number.so", 7, false}, {"/lib/a b.so", 8, false}, {"/tmp/.x/gone.so", 10, true},
		{"/memfd:on-disk", 12, false}, {"/dev/shm/x.so", 14, true}, {"/a\nb", 15, false},
	}
	if !slices.Equal(got, want) {
		t.Errorf("files are %v, want %v", got, want)
	}
}

func TestParseStat(t *testing.T) {
	fields := " S 1 42 43 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0"
	for line, want := range map[string]procStat{
		"42 (a)" + fields:                {43, 12345},
		"42 (a) S 1 1 1 (x) b)" + fields: {43, 12345},
		"42 (a\n)" + fields + "\n":       {43, 12345},
	} {
		if got, err := parseStat([]byte(line)); err != nil || got != want {
			t.Errorf("%q gives %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{"", "42 (a", "42 (a) S 1", "42 (a) S 1 x y" + fields} {
		if got, err := parseStat([]byte(line)); err == nil {
			t.Errorf("%q gives %+v", line, got)
		}
	}
}
