//go:build ignore

/* The pure part as a program of its own, for tests: it does with the packets on stdin what the
 * hooks of take.h, banner.h, payload.h and body.h do, and says on stdout what they would tell the
 * agent. internal/smtp/smtptest has the other end.
 *
 *   in:  N flags         a new connection: NATIVE_MAIL_PORT, NATIVE_OLD
 *        c|s len data    a packet of the client, the server (len: 4 octets, little-endian)
 *        l|m len         so many octets that are missing between packets
 *        .               its end
 *   out: D dir len data  octets that are shown
 *        C dir len, A    so many that are cut, through the end of a line; A 0: perhaps not so far
 *        L dir len       so many that were lost
 *        H len data      octets of a TLS handshake
 *        V state smtp    the agent is told of the connection; whether the greeting names SMTP
 *        . client, server, skipped client, skipped server: octets in none of these
 */
#include "native.h"

static void body_end(void)
{
	bool bare = data_end(&smtp);
	struct payload_event e;

	reserve(&e, DIR_CLIENT);
	memcpy(e.data, bare ? ".\n" : ".\r\n", 3);
	e.data_len = e.segments[0].shown = 3 - bare;
	submit(&e);
}

static u32 skip_body(u32 off, u32 end)
{
	u32 start = off;

	if (smtp.body_over) {
		body_end();
		return off;
	}
	for (; off < end && smtp.client.body < BODY_END_LF; off++)
		smtp.client.body = body_next(smtp.client.body, packet[off], smtp.client.strict);
	smtp.client.before += off - start;
	if (smtp.client.body >= BODY_END_LF)
		body_end();
	return off;
}

/* Of take.h. */

static u32 packet_step(u32 off, u32 end, u8 dir)
{
	if (smtp.state == STATE_OTHER)
		return 0;
	if (smtp.state == STATE_NEW && smtp.old && dir) {
		u8 first[4] = {};

		if (end - off >= 3)
			memcpy(first, packet + off, end - off > 3 ? 4 : 3);
		old_server(&smtp, first, packet[end - 1]);
		if (smtp.state == STATE_SMTP) {
			announce();
			return off;
		}
		skipped[1] += end - off;
		if (smtp.state == STATE_OTHER && announced)
			announce();
		return 0;
	}
	if (smtp.state == STATE_NEW) {
		off = judge(off, end, dir);
		if (smtp.state == STATE_SMTP || smtp.state == STATE_TLS ||
		    (smtp.state == STATE_OTHER && (announced || smtp.banner_smtp)))
			announce();
		else if (smtp.given_up && !dir)
			return 0;
		else if (dir && !server_goes_on(&smtp)) {
			if (smtp.http)
				skipped[1] += end - off;
			return 0;
		}
		return off;
	}
	if (smtp.state == STATE_TLS) {
		if (!dir)
			return show_hello(off, end);
		for (u32 i = 0; i < TLS_ANSWER && off + i < end; i++) {
			if (!tls_answered(&smtp, packet[off + i]))
				continue;
			if (smtp.state == STATE_SMTP) {
				streams[1].lost += i;
				off += i;
			}
			break;
		}
		if (smtp.state == STATE_TLS)
			return smtp.tls_sure || end - off < TLS_ANSWER ? end : off + TLS_ANSWER;
	}
	if (dir)
		return cut_lines(off, end, dir);
	if (smtp.client.mode == MODE_BODY)
		return skip_body(off, end);
	if (smtp.client.mode == MODE_CHUNK)
		return off + chunk_take(&smtp, end - off);
	return cut_lines(off, end, dir);
}

static void take_packet(u32 len, u8 dir)
{
	u32 off = 1; /* 0 is the end of a packet */

	if (smtp.state == STATE_OTHER || !len ||
	    (smtp.state == STATE_TLS && smtp.tls_sure && (dir || !smtp.hello_left)))
		return;
	if (dir && streams[1].lost)
		smtp.answered = smtp.asked;
	if (dir)
		smtp.server_spoke = 1;
	else
		smtp.spoken = 1;
	if (!dir && smtp.given_up)
		return;
	if (dir && !reply_affords(&smtp, len)) {
		streams[1].lost += len;
		return;
	}
	if (smtp.await_tls && smtp.state == STATE_SMTP) {
		if ((streams[dir].lost && smtp.await_tls == TLS_ACCEPTED) ||
		    tls_begins(&smtp, packet[off]))
			state_to_tls(&smtp);
	}
	while (off && off < len + 1)
		off = packet_step(off, len + 1, dir);
	if (dir && smtp.state == STATE_NEW) {
		server_first(&smtp);
		if (smtp.state == STATE_OTHER && smtp.banner_smtp)
			announce();
	}
	if (!announced && smtp.state == STATE_NEW &&
	    (smtp.old ? !dir : smtp.banner_smtp && smtp.spoken))
		announce();
}

static void lose(u32 len, u8 dir)
{
	streams[dir].lost += len;
	line_reset(side_of(dir));
	side_of(dir)->letters = LINE_JUDGED;
}

static void begin(u8 flags)
{
	memset(&smtp, 0, sizeof(smtp));
	memset(streams, 0, sizeof(streams));
	memset(skipped, 0, sizeof(skipped));
	banner = replies = preamble = (struct held){};
	smtp.mail_port = flags & NATIVE_MAIL_PORT;
	smtp.old = smtp.greeted = !!(flags & NATIVE_OLD);
	announced = smtp.mail_port;
}

/* Of close.h. */
static void end(void)
{
	if (!announced && smtp.state == STATE_NEW && (smtp.banner_smtp || smtp.old) && smtp.spoken)
		announce();
}

static u32 get_u32(void)
{
	u8 octets[4];

	if (fread(octets, 1, 4, stdin) != 4)
		exit(1);
	return octets[0] | octets[1] << 8 | octets[2] << 16 | (u32)octets[3] << 24;
}

int main(void)
{
	static u8 data[1 + (1 << 20)];
	u32 len;
	int op;

	packet = data;
	while ((op = getchar()) != EOF) {
		switch (op) {
		case 'N':
			begin(getchar());
			break;
		case 'c':
		case 's':
			len = get_u32();
			if (len > 1 << 20 || fread(data + 1, 1, len, stdin) != len)
				return 1;
			take_packet(len, op == 's');
			break;
		case 'l':
		case 'm':
			lose(get_u32(), op == 'm');
			break;
		case '.':
			end();
			put_u8('.');
			put_u32(smtp.client.before);
			put_u32(smtp.server.before);
			put_u32(skipped[0]);
			put_u32(skipped[1]);
			if (fflush(stdout))
				return 1;
			break;
		default:
			return 1;
		}
	}
	return 0;
}
