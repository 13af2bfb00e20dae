/* Every map, and who inserts, reads and deletes. */
#ifndef MAPS_H
#define MAPS_H

#include "kernel.h"
#include "event.h"
#include "filter.h"
#include "record.h"

struct conn {
	u64 id, connect_ns, established_ns;
	struct process_key connector, sender;
	u32 connector_tid, sender_tid;
	struct tuple tuple;
	u32 netns;
	/* Of the flags each has one writer at a time, and so a byte of its own. */
	u8 syn_left, sender_by_lock, caught;
	u8 announced;	 /* the agent knows this connection */
	u8 closed;	 /* the agent was told of its end */
	u8 dns;		 /* it goes to the port of DNS */
	u8 told;	 /* a snapshot of it has reached the ring */
	u8 heard;	 /* some of its dialogue has */
	u8 banners_made; /* entries of banners, by enum greeting_part */
	u8 stashed;	 /* pieces of it were put into the stash */
	u8 newest;	 /* of these, the one that came last */
	u8 pad[5];
	s32 inside;   /* programs that take a packet of it, or try to */
	s32 keeping;  /* programs that change a piece in the stash, or try to */
	u32 arrivals; /* pieces that were put into the stash; written by whoever puts them there */
	u32 arrived;  /* of these, what the last replay has found; who has the turn writes it */
	u32 waiting;  /* and how many of them have to wait on; likewise */
	u32 kept[2];  /* of each side, the sequence number behind the last octet kept in order */
	/* Octets that say nothing and are not told, less the marks that nobody has said. */
	s32 client_skipped, server_skipped;
	u64 sent_before, received_before; /* octets that passed before we followed it */
	struct smtp_state smtp;
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

struct banner {
	u32 len;
	u32 pad;
	u8 data[BANNER_SIZE];
};

#define STASH_PIECES 16 /* of a connection */
#define STASH_SIZE 2048

struct piece_key {
	u64 conn;
	u32 piece;
	u32 pad;
};

#define STASH_RUNS 16 /* of a piece */

/* A run of octets that one side said, packet behind packet. */
struct run {
	u32 seq;
	u16 off, len; /* in the piece */
	u32 dir;
};

struct piece {
	u32 len;
	u32 urgent; /* where the urgent byte is in its first run, counted from 1 */
	u32 order;  /* it came behind those with a lower one */
	u8 ready;   /* it is complete */
	u8 open;    /* and may be added to */
	u8 early;   /* octets before its first run are still missing */
	u8 runs;    /* how many it has, */
	u8 taken;   /* and how many of these were taken */
	u8 pad[3];
	struct run run[STASH_RUNS];	    /* in the order of their arrival */
	u8 data[STASH_SIZE + PAYLOAD_SIZE]; /* a read may begin at the last octet */
};

struct blank {
	struct process_event process;
	struct lineage lineage;
	struct conn conn;
	struct banner banner;
	struct piece piece;
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

/* stash, by connection and number: packets that wait for their turn; wire inserts, reads and
 * deletes, close deletes what a connection left there.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct piece_key);
	__type(value, struct piece);
} stash SEC(".maps");

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
