/* Every map, and who inserts, reads and deletes. */
#ifndef MAPS_H
#define MAPS_H

#include "kernel.h"
#include "event.h"
#include "filter.h"

/* What is kept of one direction's byte stream between packets. */
struct stream {
	u64 before;  /* bytes cut and not yet reported */
	u64 lost;    /* bytes never seen and not yet reported */
	u64 chunk;   /* BDAT: octets of the chunk still to come; AUTH: letters held */
	u32 seq;     /* next sequence number not yet seen */
	u32 verb;    /* first letters of the line, upper case; server: the reply code so far */
	u16 line;    /* bytes of the line so far, saturating */
	u8 blank;    /* the last byte was a blank */
	u8 known;    /* the line's verb or code is one that we know */
	u8 seq_seen; /* seq is valid */
	u8 mode;     /* enum stream_mode */
	u8 letters;  /* of the verb, or digits of the code; LINE_JUDGED when decided */
	u8 show;     /* the rest of the line leaves the kernel */
	u8 field;    /* words of the line so far */
	u8 body;     /* enum body_state */
	u8 begun;    /* BDAT: some of the chunk has passed */
	u8 out_len;  /* what becomes of the byte at hand: so many of out are shown, */
	u16 out_cut; /* then so many cut */
	u8 segment;  /* of the record being filled */
	u8 unaligned;
	u8 cr;		 /* the last byte was CR */
	u8 crlf;	 /* the line before this one ended with CRLF */
	u8 strict;	 /* a body ends with CRLF, dot, CRLF and with nothing less */
	u8 bad;		 /* BDAT: its octets are not announced as they should be, and none follow */
	u32 tail;	 /* BDAT: the last letters behind the length */
	u32 segment_cut; /* bytes cut in that segment */
	s32 inside;	 /* programs that take a packet of it, or try to */
	u8 held;	 /* AUTH: how many letters of the mechanism are held; HELD_NO_MORE */
	u8 pad[7];
	u64 out;
};

struct conn {
	u64 id, connect_ns, established_ns;
	struct process_key connector, sender;
	u32 connector_tid, sender_tid;
	struct tuple tuple;
	u32 netns;
	u8 mail_port; /* it goes to one */
	/* Of the flags each has one writer at a time, and so a byte of its own. */
	u8 syn_left, sender_by_lock, caught, banner_220, banner_smtp;
	u8 state;	 /* enum conn_state */
	u8 weak;	 /* lines so far that SMTP shares with other protocols */
	u8 await_data;	 /* DATA was said and its reply not yet seen: enum await_data */
	u8 data_refused; /* DATA was refused, and the client has not gone on yet */
	u8 adrift;	 /* the server left a body that the client may still be in */
	u8 spoken;	 /* the client has sent something */
	u8 body_over;	 /* the server has taken a body of which we saw no end */
	u8 await_tls;	 /* STARTTLS likewise: enum await_tls */
	u8 await_auth;	 /* AUTH likewise */
	u8 secret;	 /* the client's next line answers a 334 */
	u8 hello_left;	 /* records of the TLS handshake still to show */
	u8 dots;	 /* bodies that ended before the reply to their DATA came */
	u8 greeted;	 /* the greeting is complete: a later 220 answers STARTTLS */
	u8 announced;	 /* the agent knows this connection */
	u8 closed;	 /* the agent was told of its end */
	u8 pre;		 /* enum pre_step: a proxy's preamble */
	u8 pre_last;	 /* the byte before, of a field */
	u8 pre_name;	 /* SOCKS4: a host name follows */
	u16 asked;	 /* lines of the client that draw a reply; the client's packets write it */
	u16 answered;	 /* of these; the server's packets write it */
	u16 data_at;	 /* how many stood before DATA */
	u16 tls_at;	 /* before STARTTLS likewise */
	u8 dns;		 /* it goes to the port of DNS */
	u8 told;	 /* a snapshot of it has reached the ring */
	u8 heard;	 /* some of its dialogue has */
	u8 old;		 /* its beginning was before us: enum old_step */
	u8 old_run;	 /* what the client has said last looks like commands, and is held */
	u8 old_turn;	 /* it has spoken since the server has */
	u8 old_mid_line; /* the server's last packet did not end a line */
	u8 pad[5];
	u32 pre_left; /* bytes of the field still to come, or of the line so far */
	u32 judged;   /* octets of the client that were looked at before the verdict */
	/* Octets that say nothing and are not told, less the marks that nobody has said. */
	s32 client_skipped, server_skipped;
	u64 sent_before, received_before; /* octets that passed before we followed it */
	struct stream client, server;
};

struct adoption_key {
	struct tuple tuple;
	u32 netns;
	u32 pad;
};

/* adoptions, by addresses: connections from before the start that are to be followed. The agent
 * inserts, adopt writes the id that each gets, the agent reads and deletes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct adoption_key);
	__type(value, u64);
} adoptions SEC(".maps");

#define EVENTS_SIZE (8 << 20)

/* events: hooks reserve, the agent reads. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENTS_SIZE);
} events SEC(".maps");

/* counters: hooks add, the agent reads the sum over the CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct counter_set);
} counters SEC(".maps");

/* conns_storage: connect and adopt insert, every hook reads, the kernel deletes with the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct conn);
} conns_storage SEC(".maps");

/* conns_hash, by socket address, where conns_storage cannot be used: connect and adopt insert,
 * every hook reads, close deletes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, u64);
	__type(value, struct conn);
} conns_hash SEC(".maps");

/* processes: connect and send insert, an announced connection and the agent read, age evicts. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct process_key);
	__type(value, struct process_event);
} processes SEC(".maps");

struct lineage_key {
	u64 start_ns;
	u32 pid;
	u32 pad;
};

struct lineage {
	u32 ancestors_len, argv_len, argv_truncated, cwd_dev;
	u64 exec_ns;   /* 0: not seen */
	u64 exe_inode; /* at the exec */
	u32 exe_dev;
	u32 exec_id;   /* of the last exec that was seen: one may be missed */
	u64 cwd_inode; /* at the exec; 0: not seen */
	struct ancestor ancestors[ANCESTORS];
	u8 argv[ARGV_SIZE];
};

/* lineages, of the processes that began while we watch: fork and exec insert, fork and identity
 * read, exit deletes, age evicts.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct lineage_key);
	__type(value, struct lineage);
} lineages SEC(".maps");

#define BANNER_SIZE 256
struct banner {
	u64 conn;
	u32 len;
	u32 pad;
	u8 data[BANNER_SIZE];
};

struct blank {
	struct process_event process;
	struct lineage lineage;
	struct conn conn;
	struct banner banner;
};

/* blanks: never written; zeros that a new entry of a hash starts from, too large for a stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct blank);
} blanks SEC(".maps");

/* banners, by connection id: the first SMTP-like greeting on a port that is not a mail port waits
 * here until the client has spoken; wire inserts and reads, age evicts.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct banner);
} banners SEC(".maps");

/* preambles, by connection id: what a client says to a proxy waits here likewise. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, struct banner);
} preambles SEC(".maps");

static __always_inline struct conn *blank_conn(void)
{
	u32 zero = 0;
	struct blank *blank = bpf_map_lookup_elem(&blanks, &zero);

	return blank ? &blank->conn : 0;
}

/* Atomic: a program that is preempted would put back what others have counted on its CPU. */
#define count(field)                                                           \
	do {                                                                   \
		u32 zero = 0;                                                  \
		struct counter_set *c = bpf_map_lookup_elem(&counters, &zero); \
		if (c)                                                         \
			__sync_fetch_and_add(&c->field, 1);                    \
	} while (0)

/* conn_get is the state of a socket, 0 for one that is not watched. typed is the pointer that the
 * verifier knows, sk the same as a number: evaluated only for the hash, since it may be a probe
 * read, and this is what every packet costs.
 */
#define conn_get(typed, sk)                                                      \
	({                                                                       \
		struct conn *found;                                              \
		if (conn_in_storage) {                                           \
			found = bpf_sk_storage_get(&conns_storage, typed, 0, 0); \
		} else {                                                         \
			u64 key = (u64)(sk);                                     \
			found = bpf_map_lookup_elem(&conns_hash, &key);          \
		}                                                                \
		found;                                                           \
	})

#endif
