# Sends the mails that a JSON file asks for with smtplib; with "chunked", by BDAT.
import json, smtplib, ssl, sys

o = json.load(open(sys.argv[1]))
context = ssl._create_unverified_context()


class Named(smtplib.SMTP_SSL):
    """An SMTP_SSL that connects to an address and asks for a name."""

    def _get_socket(self, host, port, timeout):
        self._host = o["sni"] or host
        return super()._get_socket(host, port, timeout)


if o["tls"] == "implicit":
    s = Named(o["host"], o["port"], local_hostname=o["helo"] or None, context=context)
else:
    s = smtplib.SMTP(o["host"], o["port"], local_hostname=o["helo"] or None)
if o["tls"] == "starttls":
    s._host = o["sni"]
    s.starttls(context=context)
if o["auth"]:
    s.ehlo()
    s.esmtp_features["auth"] = o["auth"]
    try:
        s.login(o["user"], o["password"])
    except smtplib.SMTPAuthenticationError:
        s.quit()
        sys.exit()
for rcpts in o["mails"]:
    try:
        if not o["chunked"]:
            s.sendmail(o["from"], rcpts, o["body"])
            continue
        s.ehlo_or_helo_if_needed()
        s.mail(o["from"])
        for rcpt in rcpts:
            s.rcpt(rcpt)
        half = len(o["body"]) // 2
        for part, last in (o["body"][:half], ""), (o["body"][half:], " LAST"):
            s.send("BDAT %d%s\r\n%s" % (len(part), last, part))
            s.getreply()
    except smtplib.SMTPRecipientsRefused:
        pass
s.quit()
