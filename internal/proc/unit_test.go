package proc

import "testing"

func TestUnitOf(t *testing.T) {
	for cgroup, want := range map[string]Unit{
		"":                              {},
		"/":                             {},
		"/init.scope":                   {Name: "init.scope"},
		"/system.slice":                 {Slice: "system.slice"},
		"/system.slice/apache2.service": {Name: "apache2.service", Slice: "system.slice"},
		"/system.slice/system-postfix.slice/postfix@-.service":                     {Name: "postfix@-.service", Slice: "system-postfix.slice"},
		"/system.slice/docker.service/nested/x":                                    {Name: "docker.service", Slice: "system.slice"},
		"/system.slice/_cgroup.service":                                            {Name: "cgroup.service", Slice: "system.slice"},
		`/system.slice/dev-disk-by\x2duuid-1.swap`:                                 {Name: `dev-disk-by\x2duuid-1.swap`, Slice: "system.slice"},
		"/user.slice/user-1000.slice/session-3.scope":                              {Name: "session-3.scope", Slice: "user-1000.slice"},
		"/user.slice/user-1000.slice/user@1000.service/init.scope":                 {Name: "user@1000.service", Slice: "user-1000.slice", UserUnit: "init.scope"},
		"/user.slice/user-0.slice/user@0.service/app.slice/mailer.service":         {Name: "user@0.service", Slice: "user-0.slice", UserUnit: "mailer.service", UserSlice: "app.slice"},
		"/user.slice/user-0.slice/user@0.service/session.slice/a.slice/b.scope":    {Name: "user@0.service", Slice: "user-0.slice", UserUnit: "b.scope", UserSlice: "a.slice"},
		"/machine.slice/systemd-nspawn@web.service/payload/system.slice/x.service": {Name: "systemd-nspawn@web.service", Slice: "machine.slice"},
		"/docker/0123456789abcdef":                                                 {},
		"/system.slice/a b.service":                                                {Slice: "system.slice"},
		"/system.slice/.service":                                                   {Slice: "system.slice"},
		"/system.slice/not-a-unit/x.service":                                       {Slice: "system.slice"},
		"/lxc.payload.web/system.slice/apache2.service":                            {},
	} {
		if got := unitOf(cgroup); got != want {
			t.Errorf("unit of %q is %+v, want %+v", cgroup, got, want)
		}
	}
}
