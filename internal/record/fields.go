package record

// encode writes all fields but the message, in the order in which a person reads them.
func (r *Record) encode(o *object) {
	run := r.Event.Action == ActionStart || r.Event.Action == ActionStop || r.Event.Action == ActionHeartbeat
	session := r.Event.Action == ActionSession

	o.time("@timestamp", r.Time)
	o.put("event", r.Event.object(session))
	o.put("agent", r.Agent.object())
	o.put("host", r.Host.object())
	o.str("verdict", string(r.Verdict))
	if r.Verdict != "" || r.Expected {
		o.flag("expected", r.Expected)
	}
	o.strs("flags", r.Flags)
	o.str("mx_match", r.MXMatch)
	o.put("source", r.Source.object(session))
	o.put("destination", r.Destination.object(session))
	o.array("via", len(r.Via), func(i int) object { return r.Via[i].object() })
	o.put("network", r.Network.object())
	r.Identity.encode(o)
	if r.Connector != nil {
		var connector object
		r.Connector.encode(&connector)
		o.put("connector", connector)
	}
	o.put("smtp", r.SMTP.object(session))
	o.put("tls", r.TLS.object())
	o.put("error", r.Error.object())
	o.put("smtptrace", r.Tracer.object(run, r.Event.Action == ActionLost))
	var ecs object
	ecs.str("version", ECSVersion)
	o.put("ecs", ecs)
}

func (e *Event) object(session bool) (o object) {
	o.str("action", string(e.Action))
	o.str("id", e.ID)
	o.num("sequence", e.Sequence)
	o.str("outcome", string(e.Outcome))
	o.str("reason", string(e.Reason))
	if e.Duration > 0 || session {
		o.count("duration", uint64(max(e.Duration, 0)))
	}
	o.time("start", e.Start)
	o.time("end", e.End)
	return o
}

func (a *Agent) object() (o object) {
	o.str("type", a.Type)
	o.str("version", a.Version)
	o.str("ephemeral_id", a.EphemeralID)
	return o
}

func (h *Host) object() (o object) {
	o.str("name", h.Name)
	o.str("id", h.ID)
	o.str("architecture", h.Architecture)
	var os object
	os.str("kernel", h.OS.Kernel)
	os.str("full", h.OS.Full)
	o.put("os", os)
	return o
}

func (e *Endpoint) object(session bool) (o object) {
	o.addr("ip", e.IP)
	o.num("port", uint64(e.Port))
	o.str("domain", e.Domain)
	if e.Bytes > 0 || session {
		o.count("bytes", e.Bytes)
	}
	return o
}

func (v *Via) object() (o object) {
	o.str("protocol", v.Protocol)
	o.str("target", v.Target)
	o.str("source", v.Source)
	o.yes("refused", v.Refused)
	return o
}

func (n *Network) object() (o object) {
	o.str("protocol", n.Protocol)
	o.num("namespace", uint64(n.Namespace))
	return o
}

func (s *SMTP) object(session bool) (o object) {
	o.time("since", s.Since)
	o.str("verb", s.Verb)
	o.str("helo", s.HELO)
	o.strs("helos", s.HELOs)
	o.str("banner", s.Banner)
	if session && !s.hidden() || s.Messages > 0 || s.Recipients > 0 {
		o.count("messages", s.Messages)
		o.count("recipients", s.Recipients)
	}
	if session || s.TLS {
		o.flag("tls", s.TLS)
	}
	o.str("starttls", s.StartTLS)
	var auth object
	auth.str("mechanism", s.Auth.Mechanism)
	auth.str("outcome", string(s.Auth.Outcome))
	o.put("auth", auth)
	o.str("first_reply", s.FirstReply)
	o.str("last_reply", s.LastReply)
	o.array("transactions", len(s.Transactions), func(i int) object { return s.Transactions[i].object() })
	o.num("transactions_omitted", s.TransactionsOmitted)
	o.num("unseen", s.Unseen)
	return o
}

func (t *Transaction) object() (o object) {
	o.time("start", t.Start)
	o.str("mail_from", t.MailFrom)
	o.str("mail_from_domain", t.MailFromDomain)
	o.str("mail_from_hmac", t.MailFromHMAC)
	o.count("rcpt_count", t.RcptCount)
	o.count("rcpt_refused", t.RcptRefused)
	o.strs("rcpt_domains", t.RcptDomains)
	o.strs("rcpt_to", t.RcptTo)
	o.strs("rcpt_hmac", t.RcptHMAC)
	o.count("size", t.Size)
	o.str("outcome", t.Outcome)
	o.str("reply", t.Reply)
	return o
}

func (t *TLS) object() (o object) {
	var client object
	client.str("server_name", t.Client.ServerName)
	client.strs("alpn", t.Client.ALPN)
	o.put("client", client)
	return o
}

func (e *Error) object() (o object) {
	o.str("code", e.Code)
	o.num("errno", uint64(e.Errno))
	o.str("message", e.Message)
	return o
}
