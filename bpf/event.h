/* What crosses to user space. bpf2go makes the Go side of these structs: no field is written
 * twice.  Times are nanoseconds of CLOCK_BOOTTIME. Every struct is padded explicitly and is a
 * multiple of 8.
 */
#ifndef EVENT_H
#define EVENT_H

#include "smtp/state.h"

enum event_kind {
	EVENT_PROCESS = 1,
	EVENT_CONN = 2,
	EVENT_PAYLOAD = 3,
	EVENT_DNS = 4,
};

/* process_key names one program in one process: exec_id counts its execs. */
struct process_key {
	__u64 start_ns;
	__u32 pid;
	__u32 exec_id;
};

struct ancestor {
	__u64 start_ns;
	__u64 exe_inode;
	__u32 pid;
	__u32 pad;
	__u8 comm[16];
};

#define ANCESTORS 8
#define ARGV_SIZE 256
#define EXE_SIZE 1280
#define CWD_SIZE 768
#define CGROUP_SIZE 768
#define NAME_SIZE 256 /* NAME_MAX and its NUL */

enum process_flag {
	PROCESS_EXE_TRUNCATED = 1,
	PROCESS_CWD_TRUNCATED = 2,
	PROCESS_CGROUP_TRUNCATED = 4,
	PROCESS_ARGV_TRUNCATED = 8,
	PROCESS_ARGV_UNREADABLE = 16,
	PROCESS_KTHREAD = 32,
	PROCESS_CGROUP_V1 = 64, /* the path is of the v1 memory or pids hierarchy */
	PROCESS_EXEC_ARGV_TRUNCATED = 128,
	PROCESS_CWD_MOVED = 256,    /* it is not the one of the exec */
	PROCESS_LINEAGE_LOST = 512, /* it began while we watch, and not all was kept of it */
	PROCESS_FORKED = 1024,	    /* its program began in its parent, or further up */
	PROCESS_EXE_SWAPPED = 2048, /* the exe is not the file of the exec: prctl(2), PR_SET_MM */
};

/* process_event is who a process was at the moment of the act. exe, cwd and cgroup hold path
 * components from the leaf up, each NUL-terminated.
 */
struct process_event {
	__u32 kind;
	__u32 flags;
	struct process_key key;
	__u64 ts_ns;
	__u64 exec_ns; /* when the program began, here or before forks; 0: not seen */
	__u64 exe_inode, exe_size, exe_ctime_ns;
	__u32 exe_dev, exe_nlink, exe_magic, exe_mode;
	__u64 cgroup_id, cgroup_v1_id;
	__u32 tid, ppid, uid, gid, euid, loginuid, mntns, pidns;
	__u32 exe_len, cwd_len, cgroup_len, argv_len, exec_argv_len, ancestors_len;
	__u32 cursor; /* while the record is filled */
	__u32 pad;
	__u8 comm[16];
	struct ancestor ancestors[ANCESTORS];
	__u8 argv[ARGV_SIZE];
	__u8 exec_argv[ARGV_SIZE]; /* as it was at the exec, where that was seen */
	__u8 exe[EXE_SIZE];
	__u8 cwd[CWD_SIZE];
	__u8 cgroup[CGROUP_SIZE];
};

enum conn_phase {
	CONN_CONNECT = 1, /* a connect to a mail port began */
	CONN_ESTABLISHED = 2,
	CONN_FAILED = 3,
	CONN_SMTP = 4,	 /* what was said has been judged: see the state */
	CONN_SENDER = 5, /* the sender became known after that */
	CONN_CLOSED = 6,
	CONN_UNWATCHED = 7, /* a connect to a mail port, and no room to follow it: all there is */
	CONN_ADOPTED = 8,   /* it goes to a mail port, was there before us, and is followed now */
	CONN_OPEN = 9,	    /* it goes on: the agent has asked for all that do */
};

enum conn_flag {
	CONN_MAIL_PORT = 1,
	CONN_SYN_LEFT = 2,	 /* the SYN passed the host's own firewall */
	CONN_SENDER_BY_LOCK = 4, /* sender is the owner of the socket lock, not from a send hook */
	CONN_TRIED = 16,	 /* a segment was made, whether it left or not */
	CONN_CAUGHT = 8,	 /* the connect hook missed it, sockops has caught it */
	CONN_TOLD = 32,		 /* an earlier snapshot of it has reached the ring */
	CONN_OLD = 64,		 /* its beginning was before us */
	CONN_GREETED = 128,	 /* its server's greeting names SMTP */
};

struct tuple {
	__u8 saddr[16], daddr[16]; /* IPv4 in the first 4 bytes */
	__u16 sport, dport;	   /* host order */
	__u16 family;
	__u16 pad;
};

/* conn_event is a whole snapshot of a connection: a later one replaces an earlier one that was
 * lost.
 */
struct conn_event {
	__u32 kind;
	__u32 phase;
	__u64 conn;
	__u64 ts_ns, connect_ns, established_ns;
	struct process_key connector, sender;
	__u32 connector_tid, sender_tid;
	struct tuple tuple;
	__u64 bytes_sent, bytes_received; /* since the connect, or since we follow it */
	/* Octets that are in no payload_event: cut and not yet told; and those that say nothing,
	 * less the marks in payload_events that nobody has said.
	 */
	__u64 client_cut, server_cut;
	__s32 client_skipped, server_skipped;
	__u32 netns, errno, state, flags;
};

enum direction {
	DIR_CLIENT = 0,
	DIR_SERVER = 1,
};

#define SEGMENTS 8
#define PAYLOAD_SIZE 256
#define PAYLOAD_SLACK 8 /* each byte is written with what was held before it, eight at a time */

/* segment: so many bytes shown, then so many cut on purpose, through the end of a line. */
struct segment {
	__u16 shown;
	__u16 cut;
};

/* payload_event is one stretch of one direction: before bytes cut (bodies), lost bytes never seen,
 * then the segments.
 */
struct payload_event {
	__u32 kind;
	__u8 dir;
	__u8 segments_len;
	__u8 raw;	/* TLS handshake octets, not lines */
	__u8 unaligned; /* the last cut does not reach the end of a line */
	__u64 conn;
	__u64 ts_ns;
	__u64 before;
	__u64 lost;
	__u32 data_len;
	__u32 pad;
	struct segment segments[SEGMENTS];
	__u8 data[PAYLOAD_SIZE + PAYLOAD_SLACK];
};

#define DNS_SIZE 512

/* dns_event is a DNS message as it passed, up to so many bytes: a question that this host asked
 * (the direction is the client's), or an answer.
 */
struct dns_event {
	__u32 kind;
	__u32 dir;
	__u64 ts_ns;
	struct process_key asker; /* of a question; zero where no process did */
	__u32 netns;
	__u32 message_len; /* of all of it */
	__u32 data_len;
	__u32 pad;
	__u8 data[DNS_SIZE];
};

/* Losses, each with its own counter; the sum over the CPUs reaches the user. */
struct counter_set {
	__u64 lost_process, lost_snapshot, lost_payload; /* the ring was full */
	__u64 lost_conn;  /* connections that have ended, and no event of them was told */
	__u64 conn_full;  /* no room for a connection's state */
	__u64 unreadable; /* packet headers that could not be read */
	__u64 events;
	__u64 lost_dns;	       /* the ring was filling up: no record is missing for it */
	__u64 lineage_missing; /* processes with PROCESS_LINEAGE_LOST */
};

/* The types that Go needs and no map mentions: BTF keeps only what something refers to. */
const struct conn_event *type_conn_event __attribute__((unused));
const struct payload_event *type_payload_event __attribute__((unused));
const struct dns_event *type_dns_event __attribute__((unused));
const enum event_kind *type_event_kind __attribute__((unused));
const enum conn_phase *type_conn_phase __attribute__((unused));
const enum conn_state *type_conn_state __attribute__((unused));
const enum conn_flag *type_conn_flag __attribute__((unused));
const enum process_flag *type_process_flag __attribute__((unused));
const enum direction *type_direction __attribute__((unused));

#endif
