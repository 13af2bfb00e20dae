package proc

// grammars by name of the exe. Sources: perlrun(1), python(1), php(1), ruby(1), node(1), bash(1),
// dash(1), zsh(1), ksh(1), tcsh(1), fish(1), lua(1), java(1), tclsh(1), expect(1), gawk(1), dotnet(1),
// ld.so(8), "deno run --help", "bun run --help".
var grammars = byName([]grammar{
	{
		names: []string{"perl"},
		code:  "eE", arg: "I", rest: "MmxiDFCV", path: "S", searched: inPath,
	},
	{
		names: []string{"python", "platform-python", "pypy"},
		code:  "c", module: "m", arg: "WXQ",
		argLong: []string{"--check-hash-based-pycs"},
	},
	{
		names: []string{"php", "php-cgi"},
		code:  "rR", file: "fF", arg: "dcSztBE", endless: true,
		codeLong: []string{"--run", "--process-code"},
		fileLong: []string{"--file", "--process-file"},
		argLong: []string{"--define", "--php-ini", "--server", "--docroot", "--zend-extension", "--process-begin",
			"--process-end", "--bindpath"},
	},
	{
		names: []string{"php-fpm"}, // is told its scripts by a web server
		none:  true,
	},
	{
		names: []string{"lsphp"},
		arg:   "cdpgy",
	},
	{
		names: []string{"ruby", "jruby"},
		code:  "e", arg: "rICXE", rest: "KFix", path: "S", searched: elsewhere, // RUBYPATH first
		argLong: []string{"--encoding", "--external-encoding", "--internal-encoding", "--enable", "--disable", "--backtrace-limit"},
	},
	{
		names:  []string{"node", "nodejs"},
		suffix: ".js", threads: []string{"MainThread", "node-MainThread"}, // from version 22 on
		code: "ep", arg: "rC", stdin: "i",
		codeLong: []string{"--eval", "--print", "--interactive"},
		argLong: []string{"--require", "--import", "--loader", "--experimental-loader", "--conditions", "--env-file",
			"--env-file-if-exists", "--title", "--icu-data-dir", "--openssl-config", "--input-type", "--stack-size",
			"--stack_size", "--max-old-space-size", "--max_old_space_size", "--max-http-header-size",
			"--dns-result-order", "--unhandled-rejections", "--inspect-port", "--debug-port", "--inspect-publish-uid",
			"--redirect-warnings", "--disable-warning", "--disable-proto", "--allow-fs-read", "--allow-fs-write",
			"--build-snapshot-config", "--snapshot-blob", "--experimental-sea-config", "--experimental-default-type",
			"--experimental-policy", "--policy-integrity", "--cpu-prof-dir", "--cpu-prof-interval", "--cpu-prof-name",
			"--heap-prof-dir", "--heap-prof-interval", "--heap-prof-name", "--heapsnapshot-near-heap-limit",
			"--heapsnapshot-signal", "--diagnostic-dir", "--report-dir", "--report-directory", "--report-filename",
			"--report-signal", "--network-family-autoselection-attempt-timeout", "--secure-heap", "--secure-heap-min",
			"--test-concurrency", "--test-name-pattern", "--test-reporter", "--test-reporter-destination", "--test-shard",
			"--test-timeout", "--tls-cipher-list", "--tls-keylog", "--trace-event-categories", "--trace-event-file-pattern",
			"--trace-require-module", "--use-largepages", "--v8-pool-size", "--watch-path", "--localstorage-file",
			// of later versions
			"--experimental-config-file", "--max-old-space-size-percentage", "--test-coverage-branches", "--test-coverage-exclude",
			"--test-coverage-functions", "--test-coverage-include", "--test-coverage-lines", "--test-isolation",
			"--test-global-setup", "--test-skip-pattern", "--watch-kill-signal"},
	},
	{
		names:    []string{"deno"},
		commands: []string{"run", "serve"},
		suffixes: ecmaScripts,
		arg:      "cL", flag: "AqRWNESIr",
		argLong: []string{"--config", "--import-map", "--cert", "--location", "--seed", "--log-level", "--ext", "--port", "--host"},
		flagLong: []string{"--allow-", "--deny-", "--no-", "--unstable", "--quiet", "--cached-only", "--frozen", "--watch", "--check",
			"--reload", "--inspect", "--node-modules-dir", "--vendor", "--unsafely-ignore-certificate-errors"},
	},
	{
		names:    []string{"bun"},
		commands: []string{"run"},
		suffixes: ecmaScripts,
		code:     "ep", arg: "rdl", flag: "bi",
		codeLong: []string{"--eval", "--print", "--cwd"}, // which is where a relative name is looked up
		argLong: []string{"--preload", "--require", "--import", "--env-file", "--port", "--define", "--conditions",
			"--tsconfig-override", "--loader", "--elide-lines", "--title", "--dns-result-order", "--max-http-header-size",
			"--unhandled-rejections"},
		flagLong: []string{"--watch", "--hot", "--smol", "--silent", "--bun", "--if-present", "--inspect", "--no-", "--prefer-",
			"--verbose", "--expose-gc"},
	},
	{
		names:    []string{"dotnet"},
		commands: []string{"exec"},
		suffixes: []string{".dll", ".exe"},
		argLong: []string{"--additionalprobingpath", "--additional-deps", "--depsfile", "--runtimeconfig", "--fx-version",
			"--roll-forward", "--roll-forward-on-no-candidate-fx"},
	},
	{
		names: []string{"bash", "rbash"},
		code:  "c", next: "oO", stdin: "s", plus: true, found: inCwdOrPath,
		argLong: []string{"--rcfile", "--init-file"},
	},
	{
		names: []string{"sh", "dash", "ash", "zsh", "ksh", "mksh"},
		code:  "c", next: "oO", stdin: "s", plus: true,
	},
	{
		names: []string{"lua", "luajit", "texlua"},
		arg:   "elj",
	},
	{
		names:  []string{"java"},
		single: true, isClass: true,
		fileLong:   []string{"-jar"},
		moduleLong: []string{"-m", "--module"},
		argLong: []string{"-cp", "-classpath", "--class-path", "-p", "--module-path", "--upgrade-module-path",
			"--add-modules", "--add-reads", "--add-exports", "--add-opens", "--limit-modules", "--patch-module",
			"--enable-native-access", "--source"},
	},
	{
		names: []string{"tclsh", "wish"},
		next:  "e", // -encoding
	},
	{
		names: []string{"csh", "tcsh", "bsd-csh"},
		code:  "c", stdin: "s",
	},
	{
		names: []string{"fish"},
		code:  "c", arg: "CdfDop",
		codeLong: []string{"--command"},
		argLong: []string{"--init-command", "--debug", "--features", "--debug-output", "--profile",
			"--profile-startup"},
	},
	{ // the dynamic linker: what it starts is another's program
		names: []string{"ld", "ld-linux-x", "ld-linux-aarch", "ld-linux-armhf.so", "ld-linux.so", "ld-linux-riscv", "ld-musl-x",
			"ld-musl-aarch"},
		found: elsewhere, // among the libraries
		argLong: []string{"--library-path", "--inhibit-rpath", "--audit", "--argv0", "--preload", "--glibc-hwcaps-prepend",
			"--glibc-hwcaps-mask"},
	},
	{
		names: []string{"expect"},
		file:  "fb", arg: "cD",
	},
	{
		names: []string{"gawk", "mawk", "awk"},
		file:  "f", arg: "vFil", code: "e", isText: true,
		fileLong: []string{"--file", "--exec"},
		codeLong: []string{"--source"},
		argLong:  []string{"--assign", "--field-separator", "--include", "--load"},
	},
})

var ecmaScripts = []string{".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"}

func byName(list []grammar) map[string]*grammar {
	m := map[string]*grammar{}
	for i := range list {
		for _, name := range list[i].names {
			m[name] = &list[i]
		}
	}
	return m
}
