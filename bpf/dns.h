/* What this host asks DNS and is answered, over UDP and TCP: whose mail exchangers a destination is
 * among, and who asked for them. Questions for MX alone, and answers for MX and addresses.
 */
#ifndef DNS_H
#define DNS_H

#include "conn.h"

#define DNS_HEADER 12 /* RFC 1035, 4.1.1 */
#define DNS_A 1
#define DNS_MX 15
#define DNS_AAAA 28
#define DNS_NXDOMAIN 3
#define DNS_LABELS 64 /* more than a name of a mail domain has; 127 are possible */

/* Beyond this DNS is left out: it must not take the ring from mail. */
#define DNS_RING_FULL (EVENTS_SIZE / 4)

/* dns_socket is the test that every packet without a connection pays: a socket that is connected to
 * any port but this one has nothing to do with DNS. A resolver's own may be connected to none.
 */
static __always_inline bool dns_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	u32 dport;

	if (!sk)
		return false;
	dport = *(volatile u32 *)&sk->dst_port & 0xffff; /* before 5.18 only a load of 32 bits */
	return !dport || dport == bpf_htons(DNS_PORT);
}

/* dns_qtype finds the type behind the name of the first question; 0 for what is none. */
__noinline u32 dns_qtype(struct __sk_buff *skb, u32 off)
{
	u8 type[4] = {}, len;

	for (u32 i = 0; i < DNS_LABELS; i++) {
		if (bpf_skb_load_bytes(skb, off, &len, 1) || len > 63)
			return 0;
		off += len + 1;
		if (!len) {
			bpf_skb_load_bytes(skb, off, type, sizeof(type));
			return (u32)type[0] << 8 | type[1];
		}
	}
	return 0;
}

/* dns_show lets out a message of so many bytes, of which the packet may hold the beginning. */
static __always_inline void dns_show(struct __sk_buff *skb, u32 off, u32 len, u32 dir)
{
	u32 n = skb->len - off, netns = sock_netns(skb_sock(skb));
	struct conn *c = conn_of(skb); /* TCP's was admitted; its packets leave at any time */
	struct dns_event *e;

	if (!c &&
	    (dir == DIR_CLIENT ? !filter_admits(netns) : filter_netns && netns != filter_netns))
		return;
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > DNS_RING_FULL) {
		count(lost_dns);
		return;
	}
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count(lost_dns);
		return;
	}
	e->kind = EVENT_DNS;
	e->dir = dir;
	e->ts_ns = bpf_ktime_get_boot_ns();
	__builtin_memset(&e->asker, 0, sizeof(e->asker));
	if (dir == DIR_CLIENT && c)
		e->asker = c->sender.pid ? c->sender : c->connector;
	else if (dir == DIR_CLIENT && !(BPF_CORE_READ(task_self(), flags) & PF_KTHREAD))
		e->asker = process_current();
	e->netns = netns;
	e->message_len = len;
	if (n > len)
		n = len;
	if (n > DNS_SIZE)
		n = DNS_SIZE;
	n = ((n - 1) & (DNS_SIZE - 1)) + 1;
	e->data_len = n;
	e->pad = 0;
	if (bpf_skb_load_bytes(skb, off, e->data, n)) {
		bpf_ringbuf_discard(e, 0);
		return;
	}
	bpf_ringbuf_submit(e, 0);
	count(events);
}

/* on_dns looks at a packet of a socket that may be DNS's. Of TCP it takes the message that begins
 * with the segment, behind its length (RFC 1035, 4.2.2), as far as the segment goes.
 */
__noinline int on_dns(struct __sk_buff *skb, u32 dir)
{
	u8 head[20] = {}, ports[4] = {}, data_off = 0, size[2] = {}, dns[DNS_HEADER] = {};
	u32 off = 40, protocol, len, type;

	if (bpf_skb_load_bytes(skb, 0, head, sizeof(head)))
		return 0;
	protocol = head[6];
	if (head[0] >> 4 == 4) {
		protocol = head[9];
		off = (head[0] & 15) * 4;
	}
	if (bpf_skb_load_bytes(skb, off, ports, sizeof(ports)))
		return 0;
	if (dir == DIR_CLIENT ? ports[2] || ports[3] != DNS_PORT : ports[0] || ports[1] != DNS_PORT)
		return 0;
	if (protocol == IPPROTO_UDP) {
		off += 8;
		len = skb->len - off;
	} else if (protocol == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, off + 12, &data_off, 1))
			return 0;
		off += (data_off >> 4) * 4;
		if (bpf_skb_load_bytes(skb, off, size, sizeof(size)))
			return 0;
		off += sizeof(size);
		len = (u32)size[0] << 8 | size[1];
	} else {
		return 0;
	}
	if (len < DNS_HEADER)
		return 0;
	/* One ordinary question; an answer that holds, or that there is no such name. */
	if (bpf_skb_load_bytes(skb, off, dns, sizeof(dns)) || (dns[2] & 0x78) || dns[4] ||
	    dns[5] != 1)
		return 0;
	if (!(dns[2] & 0x80) != (dir == DIR_CLIENT))
		return 0;
	if (dir == DIR_SERVER && (dns[3] & 15) && (dns[3] & 15) != DNS_NXDOMAIN)
		return 0;
	type = dns_qtype(skb, off + DNS_HEADER);
	if (type == DNS_MX || (dir == DIR_SERVER && (type == DNS_A || type == DNS_AAAA)))
		dns_show(skb, off, len, dir);
	return 0;
}

#endif
