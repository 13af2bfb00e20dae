package proc

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
)

func TestScriptOf(t *testing.T) {
	const none, stdin = "", ""
	for _, c := range []struct {
		exe  string
		args string // words, parted by blanks; "_" stands for a blank in a word
		want string // the path, "module:" and a name, or ""
	}{
		{"/usr/bin/perl", "perl /tmp/dm.pl", "/tmp/dm.pl"},
		{"/usr/bin/perl", "perl dm.pl a b", "/cwd/dm.pl"},
		{"/usr/bin/perl", "/usr/bin/perl -w /tmp/dm.cgi", "/tmp/dm.cgi"},
		{"/usr/bin/perl", "/usr/bin/perl -w_-T /tmp/dm.cgi", "/tmp/dm.cgi"}, // one word from a #! line
		{"/usr/bin/perl", "perl -I /lib -Ilib -MSocket=inet_aton -Mstrict -T x.pl", "/cwd/x.pl"},
		{"/usr/bin/perl", "perl -e code x.pl", none},
		{"/usr/bin/perl", "perl -lane code x.pl", none},
		{"/usr/bin/perl", "perl -E code", none},
		{"/usr/bin/perl", "perl -w -MIO::Socket -e code", none},
		{"/usr/bin/perl", "perl -d:NYTProf x.pl", "/cwd/x.pl"},
		{"/usr/bin/perl", "perl -d:Trace x.pl", "/cwd/x.pl"},
		{"/usr/bin/perl", "perl -pi.bak x.pl file", "/cwd/x.pl"},
		{"/usr/bin/perl", "perl -0777 -n x.pl", "/cwd/x.pl"},
		{"/usr/bin/perl", "perl -CSD x.pl", "/cwd/x.pl"},
		{"/usr/bin/perl", "perl -F: x.pl", "/cwd/x.pl"},
		{"/usr/bin/perl", "perl -- -x.pl", "/cwd/-x.pl"},
		{"/usr/bin/perl", "perl -", stdin},
		{"/usr/bin/perl", "perl", stdin},
		{"/usr/bin/perl", "httpd", none},
		{"/usr/bin/perl5.36.0", "perl x.pl", "/cwd/x.pl"},
		{"/usr/bin/perl5.36-x86_64-linux-gnu", "perl x.pl", "/cwd/x.pl"},

		{"/usr/bin/python3.11", "python3 /srv/app.py", "/srv/app.py"},
		{"/usr/bin/python3.11", "python3 -u app.py", "/cwd/app.py"},
		{"/usr/bin/python3.11", "python3 -uB -W ignore -X dev ./app.py", "/cwd/app.py"},
		{"/usr/bin/python3.11", "python3 -Wignore -Xdev ../app.py", "/app.py"},
		{"/usr/bin/python3.11", "python3 --check-hash-based-pycs always app.py", "/cwd/app.py"},
		{"/usr/bin/python3.11", "python3 -m smtplib", "module:smtplib"},
		{"/usr/bin/python3.11", "python3 -um aiosmtpd -n", "module:aiosmtpd"},
		{"/usr/bin/python3.11", "python3 -msmtpd", "module:smtpd"},
		{"/usr/bin/python3.11", "python3 -c code app.py", none},
		{"/usr/bin/python3.11", "python3 -Bc code", none},
		{"/usr/bin/python3.11", "python3 - a b", stdin},
		{"/usr/bin/python3.11-dbg", "python3 a.py", "/cwd/a.py"},
		{"/usr/bin/python2.7", "python a.py", "/cwd/a.py"},
		{"/usr/libexec/platform-python3.6", "/usr/libexec/platform-python -Es /usr/sbin/x", "/usr/sbin/x"},
		{"/usr/bin/python3.11", "python3 app.zip", "/cwd/app.zip"},
		{"/usr/bin/pypy3", "pypy3 a.py", "/cwd/a.py"},

		{"/usr/bin/php8.2", "php /var/www/wp-cron.php", "/var/www/wp-cron.php"},
		{"/usr/bin/php8.2", "php -d memory_limit=1G -d display_errors -q x.php", "/cwd/x.php"},
		{"/usr/bin/php8.2", "php -dx=y x.php", "/cwd/x.php"},
		{"/usr/bin/php8.2", "php -c /etc/php.ini -n x.php -r y", "/cwd/x.php"},
		{"/usr/bin/php8.2", "php -f x.php -- -a", "/cwd/x.php"},
		{"/usr/bin/php8.2", "php --define a=b --file=x.php", "/cwd/x.php"},
		{"/usr/bin/php8.2", "php --define a=b --file x.php", "/cwd/x.php"},
		{"/usr/bin/php8.2", "php -r code x.php", none},
		{"/usr/bin/php8.2", "php -B begin -R code", none},
		{"/usr/bin/php8.2", "php -- x.php", stdin},
		{"/usr/bin/php8.2", "php -S 127.0.0.1:8080 -t /srv router.php", "/cwd/router.php"},
		{"/usr/sbin/php-fpm8.2", "php-fpm:_pool_www", none},
		{"/usr/sbin/php-fpm8.2", "php-fpm -F -y /etc/fpm.conf", none},
		{"/usr/sbin/php-fpm8.2", "php-fpm8.2 --nodaemonize --fpm-config /etc/php/8.2/fpm/php-fpm.conf", none},
		{"/usr/bin/php-cgi8.2", "php-cgi x.php", "/cwd/x.php"},
		{"/usr/bin/php-cgi8.2", "php-cgi --bindpath 127.0.0.1:9000", none},

		{"/usr/bin/ruby3.1", "ruby -rsocket -I lib -W0 x.rb", "/cwd/x.rb"},
		{"/usr/bin/ruby3.1", "ruby -r socket -W:no-deprecated x.rb", "/cwd/x.rb"},
		{"/usr/bin/ruby3.1", "ruby -wS x.rb", "x.rb"},
		{"/usr/bin/ruby3.1", "ruby -S ./x.rb", "/cwd/x.rb"},
		{"/usr/bin/perl", "perl -S x.pl", "x.pl"},
		{"/usr/bin/ruby3.1", "ruby -ne code x.rb", none},
		{"/usr/bin/ruby3.1", "ruby --enable frozen x.rb", "/cwd/x.rb"},
		{"/usr/bin/ruby3.1", "ruby --enable=frozen x.rb", "/cwd/x.rb"},

		{"/usr/bin/node", "node app.js", "/cwd/app.js"},
		{"/usr/bin/node", "node --max-old-space-size=4096 -r ./hook --import x.mjs app.js", "/cwd/app.js"},
		{"/usr/bin/node", "node -e code app.js", none},
		{"/usr/bin/node", "node -pe code", none},
		{"/usr/bin/node", "node --eval code", none},
		{"/usr/bin/node", "node --max-old-space-size 4096 --stack-size 900 app.js", "/cwd/app.js"},
		{"/usr/bin/node", "node --env-file-if-exists .env app.js", "/cwd/app.js"},
		{"/usr/bin/node", "node --disable-warning DEP0040 --watch-path src app.js", "/cwd/app.js"},
		{"/usr/bin/node", "node", stdin},
		{"/usr/bin/nodejs", "nodejs /a.js", "/a.js"},

		{"/root/.deno/bin/deno", "deno run --allow-net=a -A app.ts x.ts", "/cwd/app.ts"},
		{"/root/.deno/bin/deno", "deno run --allow-read --config deno.json -c a.json --import-map m.js ./app.ts", "/cwd/app.ts"},
		{"/root/.deno/bin/deno", "deno app.mts run", "/cwd/app.mts"},
		{"/root/.deno/bin/deno", "deno serve --port 8000 -NR=/srv app.js", "/cwd/app.js"},
		{"/root/.deno/bin/deno", "deno run -A npm:cowsay x.ts", "module:npm:cowsay"},
		{"/root/.deno/bin/deno", "deno run https://example.org/x.ts", "module:https://example.org/x.ts"},
		{"/root/.deno/bin/deno", "deno run --new-option what.ts app.ts", none},
		{"/root/.deno/bin/deno", "deno run -Z what.ts app.ts", none},
		{"/root/.deno/bin/deno", "deno run - x.ts", stdin},
		{"/root/.deno/bin/deno", "deno task x.ts", none},
		{"/root/.deno/bin/deno", "deno eval code.ts", none},
		{"/root/.deno/bin/deno", "deno run build", none},
		{"/usr/local/bin/bun", "bun run --watch ./app.ts", "/cwd/app.ts"},
		{"/usr/local/bin/bun", "bun --watch run app.ts", "/cwd/app.ts"},
		{"/usr/local/bin/bun", "bun run run app.ts", none},
		{"/usr/local/bin/bun", "bun app.tsx", "/cwd/app.tsx"},
		{"/usr/local/bin/bun", "bun --smol -r ./hook.ts --env-file .env app.js", "/cwd/app.js"},
		{"/usr/local/bin/bun", "bun -e code.js", none},
		{"/usr/local/bin/bun", "bun run build", none},
		{"/usr/local/bin/bun", "bun test a.ts", none},
		{"/usr/local/bin/bun", "bun --cwd=/srv app.ts", none},
		{"/usr/local/bin/bun", "bun --new what.ts app.ts", none},
		{"/usr/lib/dotnet/dotnet", "dotnet app.dll x.dll", "/cwd/app.dll"},
		{"/usr/lib/dotnet/dotnet", "/usr/bin/dotnet exec --depsfile a.json --fx-version 8.0.1 /srv/app.dll", "/srv/app.dll"},
		{"/usr/lib/dotnet/dotnet", "dotnet --roll-forward Major app.dll", "/cwd/app.dll"},
		{"/usr/lib/dotnet/dotnet", "dotnet build app.dll", none},
		{"/usr/lib/dotnet/dotnet", "dotnet run", none},
		{"/usr/local/lsws/lsphp82/bin/lsphp", "lsphp:/home/u/public_html/x.php", none}, // its title, cut in front if it is long

		{"/usr/bin/bash", "bash x.sh", "/cwd/x.sh"},
		{"/usr/bin/bash", "/bin/bash /etc/cron.daily/x", "/etc/cron.daily/x"},
		{"/usr/bin/bash", "bash -euo pipefail x.sh", "/cwd/x.sh"},
		{"/usr/bin/bash", "bash -o pipefail -e x.sh", "/cwd/x.sh"},
		{"/usr/bin/bash", "bash -O extglob +O x x.sh", "/cwd/x.sh"},
		{"/usr/bin/bash", "bash --rcfile f --norc x.sh", "/cwd/x.sh"},
		{"/usr/bin/bash", "bash - x.sh", "/cwd/x.sh"},
		{"/usr/bin/bash", "bash -c code x.sh", none},
		{"/usr/bin/bash", "bash -ec code x.sh", none},
		{"/usr/bin/bash", "bash -oc pipefail code", none},
		{"/usr/bin/bash", "bash -s a", stdin},
		{"/usr/bin/bash", "-bash", none},
		{"/usr/bin/dash", "sh -c code", none},
		{"/usr/bin/dash", "/bin/sh ./x", "/cwd/x"},
		{"/usr/bin/busybox", "sh x.sh", "/cwd/x.sh"},
		{"/usr/bin/busybox", "busybox sh x.sh", "/cwd/x.sh"},
		{"/usr/bin/busybox", "busybox wget x.sh", none},
		{"/usr/bin/zsh", "zsh -f x.sh", "/cwd/x.sh"},

		{"/usr/bin/lua5.4", "lua -l socket -e x=1 x.lua", "/cwd/x.lua"},
		{"/usr/bin/lua5.4", "lua -", stdin},
		{"/usr/lib/jvm/java-17/bin/java", "java -Xmx1g -cp a.jar:b.jar -jar /opt/app.jar x", "/opt/app.jar"},
		{"/usr/lib/jvm/java-17/bin/java", "java -Da=b -classpath a.jar com.example.Mailer x", "module:com.example.Mailer"},
		{"/usr/lib/jvm/java-17/bin/java", "java --class-path=a.jar --add-opens a/b=c -m mod/Main", "module:mod/Main"},
		{"/usr/lib/jvm/java-17/bin/java", "java Mail.java", "/cwd/Mail.java"},
		{"/usr/lib/jvm/java-17/bin/java", "java @args", none},
		{"/usr/bin/gawk", "gawk -v a=b -f x.awk in", "/cwd/x.awk"},
		{"/usr/bin/mawk", "awk {print} in", none},
		{"/usr/bin/expect", "expect -d -f x.exp", "/cwd/x.exp"},
		{"/usr/bin/tclsh8.6", "tclsh x.tcl", "/cwd/x.tcl"},
		{"/usr/bin/tclsh8.6", "tclsh -encoding utf-8 x.tcl", "/cwd/x.tcl"},
		{"/usr/bin/bsd-csh", "csh -f x.csh", "/cwd/x.csh"},
		{"/usr/bin/tcsh", "tcsh -c code x.csh", none},
		{"/usr/bin/fish", "fish -N --init-command code x.fish", "/cwd/x.fish"},
		{"/usr/bin/fish", "fish -c code x.fish", none},

		{"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2 --argv0 httpd --library-path /tmp /tmp/.x/bot -d", "/tmp/.x/bot"},
		{"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "ld.so ./bot", "/cwd/bot"},
		{"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "ld.so libbot.so", "libbot.so"},
		{"/usr/lib64/ld-2.28.so", "/lib64/ld-linux-x86-64.so.2 /tmp/bot", "/tmp/bot"},
		{"/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-x86_64.so.1 /tmp/bot", "/tmp/bot"},

		{"/usr/sbin/exim4", "exim4 -q /x.pl", none},
		{"/usr/bin/perldoc", "perldoc x.pl", none},
		{"", "perl x.pl", none},
	} {
		p := &event.Process{Exe: c.exe, Cwd: "/cwd"}
		for _, word := range strings.Fields(c.args) {
			p.Args = append(p.Args, strings.ReplaceAll(word, "_", " "))
		}
		got := ""
		if s, _ := scriptOf(p, p.Args); s != nil {
			got = s.Path
			if s.Module != "" {
				got = "module:" + s.Module
			}
		}
		if got != c.want {
			t.Errorf("%s, %s: script is %q, want %q", c.exe, c.args, got, c.want)
		}
	}
}

// What takes a word and is not known would have that word taken for the script.
func TestOptionsOfNode(t *testing.T) {
	version, err := exec.Command("node", "--version").Output()
	if err != nil || !strings.HasPrefix(string(version), "v20.") {
		t.Skipf("no Node 20 here: %s, %v", version, err)
	}
	help, err := exec.Command("node", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	node := grammars["node"]
	for _, option := range regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[\w-]+)=\.\.\.`).FindAllSubmatch(help, -1) {
		if name := string(option[1]); !slices.Contains(node.argLong, name) && !slices.Contains(node.codeLong, name) {
			t.Errorf("%s takes a word, and is not known", name)
		}
	}
}

func TestScriptWithoutCwd(t *testing.T) {
	p := &event.Process{Exe: "/usr/bin/perl", Args: []string{"perl", "x.pl"}, Cwd: "/deep", CwdTruncated: true}
	if s, _ := scriptOf(p, p.Args); s == nil || s.Path != "x.pl" || !s.Relative || s.Status != Gone {
		t.Errorf("script is %+v", s)
	}
}

// A process that has changed its directory since its exec may have another script of that name there.
func TestScriptOfMovedProcess(t *testing.T) {
	p := &event.Process{Exe: "/usr/bin/perl", Cwd: "/srv/b", CwdMoved: true}
	for arg, want := range map[string]Script{
		"x.pl":        {Path: "x.pl", Relative: true, Status: Gone},
		"/srv/a/x.pl": {Path: "/srv/a/x.pl", Status: Pending},
	} {
		if s, _ := scriptOf(p, []string{"perl", arg}); s == nil || *s != want {
			t.Errorf("%s: script is %+v", arg, s)
		}
	}
}

// The last argument that the kernel showed may be cut off: it names no script.
func TestScriptOfCutArguments(t *testing.T) {
	p := &event.Process{Exe: "/usr/bin/perl", Args: []string{"perl", "-w", "/tmp/scri"}, ArgsTruncated: true, Cwd: "/"}
	if s, _ := scriptOf(p, scriptArgs(p)); s != nil {
		t.Errorf("script is %+v", s)
	}
	whole := wholeArgs(p.Args, []byte("perl\x00-w\x00/tmp/script.pl\x00x\x00"))
	if s, _ := scriptOf(p, whole); s == nil || s.Path != "/tmp/script.pl" {
		t.Errorf("script is %+v", s)
	}
	if got := wholeArgs(p.Args, []byte("httpd\x00")); got != nil {
		t.Errorf("another command line is taken: %q", got)
	}
}

func FuzzScript(f *testing.F) {
	f.Add("perl", "perl\x00-w\x00-MFoo=bar\x00x.pl")
	f.Add("java", "java\x00-cp\x00a\x00-jar\x00x.jar")
	f.Add("busybox", "busybox\x00sh\x00-c\x00x")
	f.Add("bash", "bash\x00-euo\x00pipefail\x00+O\x00x\x00--\x00x")
	f.Fuzz(func(t *testing.T, name, args string) {
		p := &event.Process{Exe: "/bin/" + name, Args: strings.Split(args, "\x00"), Cwd: "/"}
		s, _ := scriptOf(p, p.Args)
		if s != nil && (s.Path == "") == (s.Module == "") {
			t.Errorf("script without one name: %+v", s)
		}
	})
}
