/*
 * Publishing, as docs/protocol.md (3.1 to 3.3, 5) and the code have it: clients/c/src/{link,
 * producer,output}.c against router/{session,producer,publish,request}.c and the log. What is
 * shown, and what is left out, is in docs/model.md.
 *
 * One producer name, claimed by one or two clients. A client's i-th event has the producer
 * sequence base + i. Every connection has a number and a channel of its own: a cut leaves what was
 * sent on the way, and it may still arrive, in order, after the new connection's HELLO, or any
 * rest of it may be lost. A crash of the router loses any part of the log that was not synced.
 * Faults are counted, so the link stays up in the end.
 *
 * Mutations (-DMUTATE_…) each take one rule away; tests/model/run shows that each is missed.
 */
#ifndef CLIENTS
#define CLIENTS 1
#endif
#ifndef EVENTS
#define EVENTS 3 /* of each client */
#endif
#ifndef BATCH
#define BATCH 2 /* most events in one PUBLISH */
#endif
#ifndef CUTS
#define CUTS 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef BUSIES
#define BUSIES 1 /* refusals that the client repeats by itself */
#endif
#ifndef NOSPACES
#define NOSPACES 0 /* refusals that the caller hears */
#endif
#ifndef GIVEUPS
#define GIVEUPS 0
#endif

#define CONNECTIONS  (CUTS + CRASHES + 1) /* of each client, at most */
#define SLOTS        (CLIENTS * CONNECTIONS)
#define SLOT(c)      ((c) * CONNECTIONS + connection[c])
#define CURRENT(s)   (SLOT((s) / CONNECTIONS) == (s))
#define SEQUENCES    (CLIENTS * EVENTS)
#define CAPACITY     (2 * EVENTS + 4)
#define NOBODY       255
#define EVENT(c, i)  ((c) * (EVENTS + 1) + (i))
#define SEQUENCE(c, i) (base[c] + (i))

mtype = { HELLO, WELCOME, PRODUCER, PRODUCER_OK, REFUSED, PUBLISH, RESULT, NOSESSION };
/* codes of a record */
#define OK        1
#define DUPLICATE 2
#define BUSY      3
#define NOSPACE   4
#define FENCED    5
#define UNKNOWN   6 /* the client's own */

/* ---- the network ---- */
/* type; id; first sequence, or the claim's round; count; last answer seen (b) */
chan up[SLOTS] = [CAPACITY] of { mtype, byte, byte, byte, byte };
/* type; id; code of the first record, or the last sequence (PRODUCER_OK); code of the second, or
 * whose event the last one is, as its checksum tells */
chan down[CLIENTS] = [CAPACITY] of { mtype, byte, byte, byte };
byte connection[CLIENTS];
byte cuts = CUTS, crashes = CRASHES, busies = BUSIES, nospaces = NOSPACES, giveups = GIVEUPS;

/* ---- the log ---- */
byte author[SEQUENCES + 2]; /* by producer sequence: client + 1; 0: not in the log */
byte top;                   /* highest sequence in the log, written or not */
byte durable;               /* highest that is synced */

/* ---- the router's memory ---- */
byte last; /* its table of producers */
byte owner = NOBODY;
byte claimant; /* client + 1 that claimed the name last; 0: nobody since the router's start */
byte round;    /* and in which of its sessions */
bool session[SLOTS], claimed[SLOTS], fenced[SLOTS];
byte held_sequence[SLOTS]; /* the next that may come again; 0: not held */
byte held_request[SLOTS];  /* the last request so refused */
byte held_code[SLOTS];
/* answers that wait: slot, message, and up to where the log must be durable */
chan waiting = [CAPACITY * CLIENTS] of { byte, mtype, byte, byte, byte, byte };

/* ---- the clients ---- */
bool begun;
#define NONE  0
#define ASKED 1
#define OPEN  2
byte state[CLIENTS], hello[CLIENTS], claim[CLIENTS], next_id[CLIENTS], seen[CLIENTS];
byte rounds[CLIENTS];
bool repeatable[CLIENTS], opened[CLIENTS], registered[CLIENTS], retrying[CLIENTS], dead[CLIENTS];
byte base[CLIENTS];
bool pending[CLIENTS * (EVENTS + 1)];   /* published, not completed */
byte request[CLIENTS * (EVENTS + 1)];   /* id of the PUBLISH under way */
byte given_up[CLIENTS * (EVENTS + 1)];  /* the same, of an event that was given up meanwhile */
byte outcome[CLIENTS * (EVENTS + 1)];   /* of the last completion, 0 before */

/* ---- properties ---- */

/* P1 (R2): what was answered OK is in the log, durable, and it is this client's event. */
inline check_acknowledged(c_, i_)
{
    for (c_ : 0 .. CLIENTS - 1) {
        for (i_ : 1 .. EVENTS) {
            assert(outcome[EVENT(c_, i_)] != OK ||
                   (author[SEQUENCE(c_, i_)] == c_ + 1 && SEQUENCE(c_, i_) <= durable))
        }
    }
    c_ = 0;
    i_ = 0
}

/* P2 (R3): no event twice. P3 (R3): one producer's events in the order of their sequences.
 * P5: what was refused as NOSPACE does not come into the log afterwards. */
inline append(who, sequence)
{
    assert(author[sequence] == 0);
    assert(sequence > top);
    author[sequence] = who + 1;
    top = sequence;
    last = sequence
}

/* P4 (R8): one completion for each publish: here at most one, at the end not less. P1 and P5 for
 * this event. */
inline complete(c, i, code)
{
    assert(pending[EVENT(c, i)]);
    pending[EVENT(c, i)] = false;
    outcome[EVENT(c, i)] = code;
    assert(code != OK ||
           (author[SEQUENCE(c, i)] == c + 1 && SEQUENCE(c, i) <= durable));
    assert(code != NOSPACE || author[SEQUENCE(c, i)] != c + 1)
}

/* ---- the router ---- */

inline tell(s, type, id, x, y)
{
    if
    :: CURRENT(s) -> assert(nfull(down[(s) / CONNECTIONS])); down[(s) / CONNECTIONS] ! type, id, x, y
    :: else /* the peer is gone */
    fi
}

inline answer_later(s, type, id, x, y)
{
#ifdef MUTATE_ANSWER_EARLY
    tell(s, type, id, x, y)
#else
    assert(nfull(waiting));
    waiting ! s, type, id, x, y, top
#endif
}

/* Answers of a session that has ended are dropped. */
inline drop_answers(s, n_, s_, t_, i_, x_, y_, w_)
{
    n_ = len(waiting);
    do
    :: n_ > 0 ->
        waiting ? s_, t_, i_, x_, y_, w_;
        if
        :: s_ != s -> waiting ! s_, t_, i_, x_, y_, w_
        :: else
        fi;
        n_--
    :: else -> break
    od;
    s_ = 0; t_ = 0; i_ = 0; x_ = 0; y_ = 0; w_ = 0
}

inline forget_session(s)
{
    if
    :: owner == s -> owner = NOBODY
    :: else
    fi;
    session[s] = false;
    claimed[s] = false;
    fenced[s] = false;
    held_sequence[s] = 0;
    held_request[s] = 0;
    held_code[s] = 0
}

#ifdef MUTATE_ANY_CLAIM
#define STALE(s, round_) false
#else
#define STALE(s, round_) (claimant != 0 && \
    ((claimant != (s) / CONNECTIONS + 1 && round_ > 0) || \
     (claimant == (s) / CONNECTIONS + 1 && round_ < round)))
#endif

inline take_claim(s, round_)
{
    claimant = (s) / CONNECTIONS + 1;
    round = round_;
#ifndef MUTATE_NO_FENCE
    if
    :: owner != NOBODY && owner != s -> fenced[owner] = true
    :: else
    fi;
#endif
    owner = s;
    claimed[s] = true;
    fenced[s] = false;
    held_sequence[s] = 0;
    held_request[s] = 0;
    held_code[s] = 0
}

inline hold(s, id, sequence, code)
{
#ifdef MUTATE_FIRST_REFUSAL
    if
    :: held_sequence[s] == 0 || held_sequence[s] > sequence -> held_request[s] = id
    :: else
    fi;
#else
    held_request[s] = id;
#endif
    if
    :: held_sequence[s] == 0 || held_sequence[s] > sequence ->
        held_sequence[s] = sequence;
        held_code[s] = code
    :: else
    fi
}

/* Sent in ignorance of the last refusal? */
#ifdef MUTATE_IGNORE_B
#define IGNORANT(s, id, b) (id == held_request[s])
#else
#define IGNORANT(s, id, b) (id == held_request[s] || (b != 0 && b < held_request[s]))
#endif

/* judge, check_held and stage of router/publish.c */
inline judge(s, id, b, sequence, code)
{
    code = OK;
    if
    :: !claimed[s] -> assert(false) /* DENIED: no client of ours does that */
    :: claimed[s] && fenced[s] -> code = FENCED
#ifndef MUTATE_NO_DUPLICATES
    :: claimed[s] && !fenced[s] && sequence <= last -> code = DUPLICATE
    :: claimed[s] && !fenced[s] && sequence > last ->
#else
    :: claimed[s] && !fenced[s] ->
#endif
        if
        :: held_sequence[s] == 0
        :: held_sequence[s] != 0 && !IGNORANT(s, id, b) ->
            held_sequence[s] = 0;
            held_request[s] = 0;
            held_code[s] = 0
        :: held_sequence[s] != 0 && IGNORANT(s, id, b) ->
            if
            :: sequence <= held_sequence[s] /* the refused one again */
            :: else -> code = held_code[s]
            fi
        fi;
        if
        :: code == OK && busies > 0 -> busies--; code = BUSY
        :: code == OK && nospaces > 0 -> nospaces--; code = NOSPACE
        :: true
        fi;
        if
        :: code == OK ->
            append((s) / CONNECTIONS, sequence);
            if
            :: held_sequence[s] == sequence -> held_sequence[s]++
            :: else
            fi
        :: else -> hold(s, id, sequence, code)
        fi
    fi
}

/* One process reads one connection; every step of it is atomic. */
proctype reader(byte s)
{
    mtype type;
    byte id, first, count, b, x, y, n, w;
end:
    do
    :: atomic {
        up[s] ? type, id, first, count, b ->
        if
        :: type == HELLO ->
            forget_session(s);
            drop_answers(s, n, first, type, count, x, y, w);
            session[s] = true;
            tell(s, WELCOME, id, 0, 0)
        :: type != HELLO && !session[s] -> tell(s, NOSESSION, 0, 0, 0)
        :: type == PRODUCER && session[s] && STALE(s, first) ->
            answer_later(s, REFUSED, id, 0, 0)
        :: type == PRODUCER && session[s] && !STALE(s, first) ->
            take_claim(s, first);
            answer_later(s, PRODUCER_OK, id, last, author[last])
        :: type == PUBLISH && session[s] ->
            judge(s, id, b, first, x);
            if
            :: count == 2 -> judge(s, id, b, first + 1, y)
            :: count == 2 && !CURRENT(s) -> count = 0 /* the session ends in the middle */
            :: count == 1
            fi;
            if
            :: count > 0 -> answer_later(s, RESULT, id, x, y)
            :: else -> forget_session(s)
            fi
        fi;
        type = 0; id = 0; first = 0; count = 0; b = 0; x = 0; y = 0; n = 0; w = 0
    }
    :: atomic { /* what comes after a cut: some rest is lost */
        !CURRENT(s) && len(up[s]) > 0 ->
        do
        :: len(up[s]) > 0 -> up[s] ? type, id, first, count, b
        :: else -> break
        od;
        type = 0; id = 0; first = 0; count = 0; b = 0
    }
    :: atomic { /* an old session is dropped when the router notices */
        !CURRENT(s) && session[s] ->
        drop_answers(s, n, first, type, count, x, y, w);
        forget_session(s)
    }
    od
}

/* Commits, and the answers that waited for them. */
active proctype log()
{
    byte s, id, x, y, w;
    mtype type;
end:
    do
    :: atomic { durable < top -> durable = top }
    :: atomic {
        len(waiting) > 0 ->
        waiting ? <s, type, id, x, y, w>;
        if
        :: w <= durable ->
            waiting ? s, type, id, x, y, w;
            tell(s, type, id, x, y)
        :: else -> durable = top
        fi;
        s = 0; type = 0; id = 0; x = 0; y = 0; w = 0
    }
    od
}

/* ---- cuts and crashes ---- */

inline lose_answers(c, t_, i_, x_, y_)
{
    do
    :: len(down[c]) > 0 -> down[c] ? t_, i_, x_, y_
    :: else -> break
    od;
    t_ = 0; i_ = 0; x_ = 0; y_ = 0
}

/* ZeroMQ connects again by itself: what it has not written yet goes out on the new connection; of
 * the rest, what is on the way may arrive or not. What had come from the router may be read. */
inline reconnect_unseen(c, n_, moving_, t_, i_, f_, c_, b_)
{
    n_ = len(up[SLOT(c)]);
    do
    :: n_ > 0 ->
        up[SLOT(c)] ? t_, i_, f_, c_, b_;
        if
        :: true -> moving_ = true
        :: !moving_
        fi;
        if
        :: moving_ -> up[SLOT(c) + 1] ! t_, i_, f_, c_, b_
        :: else -> up[SLOT(c)] ! t_, i_, f_, c_, b_
        fi;
        n_--
    :: else -> break
    od;
    if
    :: true
    :: len(down[c]) > 0 -> lose_answers(c, t_, i_, f_, c_)
    fi;
    connection[c]++;
#ifdef MUTATE_SESSION_SURVIVES
    session[SLOT(c)] = session[SLOT(c) - 1];
    claimed[SLOT(c)] = claimed[SLOT(c) - 1];
    fenced[SLOT(c)] = fenced[SLOT(c) - 1];
    if
    :: owner == SLOT(c) - 1 -> owner = SLOT(c)
    :: else
    fi;
#endif
    n_ = 0; moving_ = false; t_ = 0; i_ = 0; f_ = 0; c_ = 0; b_ = 0
}

proctype network(byte c)
{
    mtype type;
    byte n, id, first, count, b;
    bool moving;
end:
    do
    :: atomic { /* the client sees it and opens a new socket */
        cuts > 0 ->
        cuts--;
        lose_answers(c, type, id, first, count);
        connection[c]++;
        state[c] = NONE
    }
    :: atomic {
        cuts > 0 -> cuts--;
        reconnect_unseen(c, n, moving, type, id, first, count, b)
    }
    od
}

/* The log loses any part behind what is durable; what is left is durable. */
inline cut_log()
{
    do
    :: top > durable ->
        author[top] = 0;
        do
        :: top > 0 && author[top] == 0 -> top--
        :: else -> break
        od
    :: true -> break
    od;
    durable = top;
#ifdef MUTATE_FORGET_PRODUCERS
    last = 0
#else
    last = top
#endif
}

active proctype crash()
{
    mtype type;
    byte n, id, first, count, b, c, s;
    bool moving;
end:
    do
    :: atomic {
        crashes > 0 ->
        crashes--;
        cut_log();
        check_acknowledged(c, n);
        do
        :: len(waiting) > 0 -> waiting ? s, type, id, first, count, b
        :: else -> break
        od;
        s = 0; type = 0; id = 0; first = 0; count = 0; b = 0;
        for (c : 0 .. CLIENTS - 1) {
            reconnect_unseen(c, n, moving, type, id, first, count, b)
        }
        owner = NOBODY;
        claimant = 0;
        round = 0;
        for (s : 0 .. SLOTS - 1) {
            forget_session(s);
            do
            :: !CURRENT(s) && len(up[s]) > 0 -> up[s] ? type, id, first, count, b
            :: else -> break
            od
        }
        c = 0; s = 0; type = 0; id = 0; first = 0; count = 0; b = 0
    }
    od
}

/* ---- a client ---- */

inline send(c, type, first, count)
{
    next_id[c]++;
    assert(nfull(up[SLOT(c)]));
    up[SLOT(c)] ! type, next_id[c], first, count, seen[c]
}

inline ask(c)
{
    state[c] = ASKED;
    send(c, HELLO, 0, 0);
    hello[c] = next_id[c]
}

/* A new session forgets what was under way: all of it is sent again. */
inline begin_session(c, i_)
{
    state[c] = OPEN;
    if
    :: claim[c] != 0 -> rounds[c]++
    :: else
    fi;
    claim[c] = 0;
    registered[c] = false;
    retrying[c] = false;
    for (i_ : 1 .. EVENTS) {
        request[EVENT(c, i_)] = 0;
        given_up[EVENT(c, i_)] = 0
    }
    i_ = 0
}

inline kill(c, i_)
{
    assert(CLIENTS > 1); /* P7: nobody is fenced by himself */
    dead[c] = true;
    for (i_ : 1 .. EVENTS) {
        if
        :: pending[EVENT(c, i_)] -> complete(c, i_, FENCED)
        :: else
        fi;
        request[EVENT(c, i_)] = 0;
        given_up[EVENT(c, i_)] = 0
    }
    i_ = 0
}

/* The log's last event is none of this client's own. */
#ifdef MUTATE_NO_CHECKSUM
#define OVERTAKEN(c, x, y) (x > SEQUENCE(c, EVENTS))
#else
#define OVERTAKEN(c, x, y) (x > SEQUENCE(c, EVENTS) || (x > base[c] && y != c + 1))
#endif

inline on_producer_ok(c, id, x, y, i_)
{
    if
    :: id == claim[c] && !registered[c] && !dead[c] ->
        seen[c] = id;
        if
        :: !opened[c] ->
            opened[c] = true;
            base[c] = x;
            registered[c] = true
        :: opened[c] && OVERTAKEN(c, x, y) -> kill(c, i_)
        :: opened[c] && !OVERTAKEN(c, x, y) -> registered[c] = true
        fi
    :: else
    fi
}

/* One record's outcome, for the event of the request that is the next. */
inline apply(c, id, code, i_)
{
    i_ = 1;
    do
    :: i_ <= EVENTS && request[EVENT(c, i_)] != id && given_up[EVENT(c, i_)] != id -> i_++
    :: else -> break
    od;
    if
    :: i_ <= EVENTS -> seen[c] = id
    :: else
    fi;
    if
    :: i_ <= EVENTS && given_up[EVENT(c, i_)] == id -> /* nobody waits for it any more */
        given_up[EVENT(c, i_)] = 0;
        if
        :: code == BUSY -> retrying[c] = true
        :: else
        fi
    :: i_ <= EVENTS && given_up[EVENT(c, i_)] != id ->
        request[EVENT(c, i_)] = 0;
        if
        :: retrying[c] && code != FENCED /* not used: it is sent again */
        :: code == BUSY && !retrying[c] ->
#ifndef MUTATE_DROP_BUSY
            retrying[c] = true
#endif
        :: code == DUPLICATE && !retrying[c] -> complete(c, i_, OK)
        :: (code == OK || code == NOSPACE) && !retrying[c] -> complete(c, i_, code)
        :: code == FENCED -> kill(c, i_)
        fi
    :: else
    fi;
    i_ = 0
}


/* The next events that are not under way: one, or a batch. */
inline publish(c, i_, n_)
{
    i_ = 1;
    do
    :: !pending[EVENT(c, i_)] || request[EVENT(c, i_)] != 0 -> i_++
    :: else -> break
    od;
    n_ = 1;
    if
    :: BATCH == 2 && i_ < EVENTS && pending[EVENT(c, i_ + 1)] &&
       request[EVENT(c, i_ + 1)] == 0 -> n_ = 2
    :: true
    fi;
    send(c, PUBLISH, SEQUENCE(c, i_), n_);
    request[EVENT(c, i_)] = next_id[c];
    if
    :: n_ == 2 -> request[EVENT(c, i_ + 1)] = next_id[c]
    :: else
    fi;
    i_ = 0;
    n_ = 0
}

/* Events up to the n-th have waited too long. Once nothing waits, the caller may repeat them under
 * their sequences. */
inline give_up(c, i_, n_)
{
    n_ = EVENTS;
    do
    :: n_ > 1 -> n_--
    :: true -> break
    od;
    for (i_ : 1 .. n_) {
        if
        :: pending[EVENT(c, i_)] ->
            complete(c, i_, UNKNOWN);
            given_up[EVENT(c, i_)] = request[EVENT(c, i_)];
            request[EVENT(c, i_)] = 0
        :: else
        fi
    }
#ifdef MUTATE_REPEAT_EARLY
    repeatable[c] = true;
#else
    repeatable[c] = (n_ == EVENTS);
#endif
    i_ = 0;
    n_ = 0
}

/* The caller publishes what was given up again, all or some. */
inline repeat(c, i_)
{
    repeatable[c] = false;
    for (i_ : 1 .. EVENTS) {
        if
        :: outcome[EVENT(c, i_)] == UNKNOWN -> pending[EVENT(c, i_)] = true
        :: true
        fi
    }
    i_ = 0
}

#if EVENTS == 2
#define ANY(a, c)    (a[EVENT(c, 1)] || a[EVENT(c, 2)])
#define UNSENT(c)    (U(c, 1) || U(c, 2))
#elif EVENTS == 3
#define ANY(a, c)    (a[EVENT(c, 1)] || a[EVENT(c, 2)] || a[EVENT(c, 3)])
#define UNSENT(c)    (U(c, 1) || U(c, 2) || U(c, 3))
#elif EVENTS == 4
#define ANY(a, c)    (a[EVENT(c, 1)] || a[EVENT(c, 2)] || a[EVENT(c, 3)] || a[EVENT(c, 4)])
#define UNSENT(c)    (U(c, 1) || U(c, 2) || U(c, 3) || U(c, 4))
#endif
#define U(c, i)      (pending[EVENT(c, i)] && request[EVENT(c, i)] == 0)
#define UNDER_WAY(c) (ANY(request, c) || ANY(given_up, c))
#define ALL_ANSWERED(c) (!ANY(pending, c))

proctype client(byte c)
{
    mtype type;
    byte id, x, y, i, n;
    do
    :: ALL_ANSWERED(c) && (!repeatable[c] || dead[c]) -> break
    :: atomic { state[c] == NONE -> ask(c) }
    :: atomic { /* silence: PING finds no session, or HELLO was lost */
        state[c] != NONE && (state[c] == ASKED || !session[SLOT(c)]) &&
         empty(up[SLOT(c)]) && empty(down[c]) -> ask(c)
    }
    :: atomic { state[c] == OPEN && claim[c] == 0 && !dead[c] ->
        send(c, PRODUCER, rounds[c], 0);
        claim[c] = next_id[c]
    }
    :: atomic { state[c] == OPEN && registered[c] && !retrying[c] && UNSENT(c) ->
        publish(c, i, n)
    }
    :: atomic { retrying[c] && !UNDER_WAY(c) -> retrying[c] = false } /* after a pause */
    :: atomic { giveups > 0 && opened[c] ->
        giveups--;
        give_up(c, i, n)
    }
    :: atomic { repeatable[c] && !dead[c] -> repeat(c, i) }
    :: atomic { down[c] ? type, id, x, y ->
        if
        :: type == WELCOME && state[c] == ASKED && id == hello[c] -> begin_session(c, i)
        :: type == NOSESSION && state[c] == OPEN -> ask(c)
        :: type == PRODUCER_OK && state[c] == OPEN -> on_producer_ok(c, id, x, y, i)
        :: type == REFUSED && state[c] == OPEN && id == claim[c] -> kill(c, i)
        :: type == RESULT ->
            apply(c, id, x, i);
            if
            :: y != 0 -> apply(c, id, y, i)
            :: else
            fi
        :: else /* of an earlier session */
        fi;
        type = 0; id = 0; x = 0; y = 0
    }
    od
}

init
{
    byte c, s, i;
    atomic {
        for (c : 0 .. CLIENTS - 1) {
            for (i : 1 .. EVENTS) {
                pending[EVENT(c, i)] = true
            }
            run client(c);
            run network(c)
        }
        for (s : 0 .. SLOTS - 1) {
            run reader(s)
        }
        begun = true
    }
}

/* P6: everything is answered in the end. */
#ifdef LIVENESS
#if CLIENTS == 1
ltl answered { <> (begun && ALL_ANSWERED(0)) }
#else
ltl answered { <> (begun && ALL_ANSWERED(0) && ALL_ANSWERED(1)) }
#endif
#endif
