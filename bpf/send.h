/* Who sends. */
#ifndef SEND_H
#define SEND_H

#include "conn.h"

/* sender_note remembers the current process as the one that sends on this connection. */
static __always_inline void sender_note(struct conn *c)
{
	c->sender = process_current();
	c->sender_tid = BPF_CORE_READ(task_self(), pid);
	if (!same_process(&c->sender, &c->connector))
		process_note(c->announced);
}

/* on_send runs in the process that sends: what it finds there is certain. */
static __always_inline void on_send(struct conn *c, struct sock *sk)
{
	if (!c || c->closed || c->smtp.state == STATE_OTHER)
		return;
	if (c->sender.pid && !c->sender_by_lock)
		return;
	if (BPF_CORE_READ(task_self(), flags) & PF_KTHREAD) /* io_uring's workers before 5.12 */
		return;
	sender_note(c);
	c->sender_by_lock = 0;
	if (c->announced)
		conn_emit(c, sk, CONN_SENDER, 0);
}

/* sender_by_lock names the sender where no send hook is at hand. A packet that leaves while a
 * process holds the socket's lock is sent by that process: a softirq finds the lock taken and
 * queues on the backlog instead (tcp_v4_rcv, tcp_tsq_handler, tcp_write_timer).
 */
static __always_inline void sender_by_lock(struct conn *c, struct sock *sk)
{
	if (c->sender.pid || !BPF_CORE_READ(sk, sk_lock.owned))
		return;
	if (BPF_CORE_READ(task_self(), flags) & PF_KTHREAD)
		return;
	sender_note(c);
	c->sender_by_lock = 1;
}

#endif
