package record

func (t *Tracer) object(run, lost bool) (o object) {
	o.count("schema", Schema)
	o.strs("weak", t.Weak)
	o.array("hooks", len(t.Hooks), func(i int) object { return t.Hooks[i].object() })
	o.put("filters", t.Filters.object())
	if run || t.Forwarding {
		o.flag("forwarding", t.Forwarding)
	}
	o.str("forwards", t.Forwards)
	if run || t.Counters != (Counters{}) {
		o.put("counters", t.Counters.object())
	}
	o.array("smarthosts", len(t.Smarthosts), func(i int) object { return t.Smarthosts[i].object() })
	o.strs("own", t.Own)
	o.array("open", len(t.Open), func(i int) object { return t.Open[i].object() })
	o.num("open_omitted", t.OpenOmitted)
	o.num("open_other", t.OpenOther)
	o.yes("open_unknown", t.OpenUnknown)
	if lost || t.Lost != (Losses{}) {
		o.put("lost", t.Lost.object())
	}
	return o
}

func (h *Hook) object() (o object) {
	o.str("question", h.Question)
	o.str("name", h.Name)
	o.array("refused", len(h.Refused), func(i int) object {
		var refusal object
		refusal.str("name", h.Refused[i].Name)
		refusal.str("reason", h.Refused[i].Reason)
		return refusal
	})
	return o
}

func (s *Smarthost) object() (o object) {
	o.str("host", s.Host)
	o.num("port", uint64(s.Port))
	o.str("file", s.File)
	return o
}

func (c *Open) object() (o object) {
	o.put("source", c.Source.object(false))
	o.put("destination", c.Destination.object(false))
	o.put("process", c.Process.object())
	o.put("user", c.User.object())
	o.yes("adopted", c.Adopted)
	return o
}

func (f *Filters) object() (o object) {
	o.num("netns", uint64(f.NetNS))
	o.str("cgroup", f.Cgroup)
	o.num("pid", uint64(f.PID))
	if f.UID != nil {
		o.count("uid", uint64(*f.UID))
	}
	if len(f.MailPorts) > 0 {
		o.open().Uints16("mail_ports", f.MailPorts)
	}
	o.str("connects", f.Connects)
	return o
}

func (c *Counters) object() (o object) {
	o.count("events", c.Events)
	o.count("connects", c.Connects)
	o.count("sessions", c.Sessions)
	o.count("records", c.Records)
	o.put("identity", c.Identity.object())
	o.put("verdict", c.Verdict.object())
	o.put("lost", c.Lost.object())
	return o
}

func (i *Identities) object() (o object) {
	o.num("put_off", i.PutOff)
	o.num("forgotten", i.Forgotten)
	o.num("hashes_forgotten", i.HashesForgotten)
	o.num("hash_errors", i.HashErrors)
	o.num("stalled", i.Stalled)
	o.num("lineages_forgotten", i.LineagesForgotten)
	return o
}

func (v *Verdicts) object() (o object) {
	o.num("lookups_failed", v.LookupsFailed)
	o.num("senders_forgotten", v.SendersForgotten)
	o.num("answers_lost", v.AnswersLost)
	o.num("answers_forgotten", v.AnswersForgotten)
	o.num("answers_unreadable", v.AnswersUnreadable)
	return o
}

func (l *Losses) object() (o object) {
	o.count("total", l.Total())
	for _, k := range l.kinds() {
		o.num(k.key, *k.n)
	}
	return o
}
