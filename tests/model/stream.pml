/*
 * Streams and resuming, as docs/protocol.md (3.4, 5) and the code have it: clients/c/src/{link,
 * stream,output}.c against router/{session,stream,chunk}.c and the log. What is shown, and what is
 * left out, is in docs/model.md.
 *
 * One client with one stream that confirms by hand. Events 1 to EVENTS; UNMATCHED is not the
 * stream's, LONG is as long as two. Every event has a version: what a crash of the router took
 * from the log comes again as another event. Connections, cuts and crashes as in publish.pml.
 */
#ifndef EVENTS
#define EVENTS 4
#endif
#ifndef CUTS
#define CUTS 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef CREDIT_MAX
#define CREDIT_MAX 2
#endif
#define UNMATCHED 2
#define LONG      3
#define CONNECTIONS (CUTS + CRASHES + 1)
#define CAPACITY  6
#define MATCHES(i) ((i) != UNMATCHED)
#define SIZE(i)   ((i) == UNMATCHED -> 0 : ((i) == LONG -> 2 : 1))

mtype = { HELLO, WELCOME, NOSESSION, OPEN, OPENED, CHUNK, CREDIT };

/* type; id; from or bytes; credit */
chan up[CONNECTIONS] = [CAPACITY] of { mtype, byte, byte, byte };
/* type; id; from; to; versions of the (at most two) events of the range */
chan down = [CAPACITY] of { mtype, byte, byte, byte, byte, byte };
byte connection, cuts = CUTS, crashes = CRASHES;

/* ---- the log ---- */
byte version[EVENTS + 1]; /* 0: not in the log */
byte head, durable, life = 1;

/* ---- the router ---- */
bool session[CONNECTIONS];
byte stream_id[CONNECTIONS]; /* 0: none */
byte scanned[CONNECTIONS], told[CONNECTIONS];
short credit[CONNECTIONS];

/* ---- the client ---- */
#define NONE    0
#define ASKED   1
#define UP      2
#define WANTED  0
#define OPENING 1
#define LIVE    2
byte state, hello, next_id, stream, id;
bool started;
byte from = 1, covered, owed, held;
byte got[EVENTS + 1];

/* S1 (R2): what was delivered is durable and stays what it was. */
inline check_delivered(i_)
{
    for (i_ : 1 .. EVENTS) {
        assert(got[i_] == 0 || (got[i_] == version[i_] && i_ <= durable))
    }
    i_ = 0
}

/* S2 (R4): in order and without gaps: everything that matches before it was delivered. S3: once. */
inline deliver(i, v, j_)
{
    assert(MATCHES(i));
    assert(got[i] == 0);
    for (j_ : 1 .. i - 1) {
        assert(!MATCHES(j_) || got[j_] != 0)
    }
    j_ = 0;
    got[i] = v;
    assert(v != 0 && v == version[i] && i <= durable)
}

/* ---- the log and its crash ---- */

active proctype log()
{
end:
    do
    :: atomic { head < EVENTS -> head++; version[head] = life }
    :: atomic { durable < head -> durable++ }
    od
}

inline forget(c)
{
    session[c] = false;
    stream_id[c] = 0;
    scanned[c] = 0;
    told[c] = 0;
    credit[c] = 0
}

/* ---- the network ---- */

inline lose_answers(t_, i_, x_, y_, v_, w_)
{
    do
    :: len(down) > 0 -> down ? t_, i_, x_, y_, v_, w_
    :: else -> break
    od;
    t_ = 0; i_ = 0; x_ = 0; y_ = 0; v_ = 0; w_ = 0
}

/* ZeroMQ connects again by itself, as in publish.pml. */
inline reconnect_unseen(n_, moving_, t_, i_, x_, y_, v_, w_)
{
    n_ = len(up[connection]);
    do
    :: n_ > 0 ->
        up[connection] ? t_, i_, x_, y_;
        if
        :: true -> moving_ = true
        :: !moving_
        fi;
        if
        :: moving_ -> up[connection + 1] ! t_, i_, x_, y_
        :: else -> up[connection] ! t_, i_, x_, y_
        fi;
        n_--
    :: else -> break
    od;
    if
    :: true
    :: len(down) > 0 -> lose_answers(t_, i_, x_, y_, v_, w_)
    fi;
    connection++;
    n_ = 0; moving_ = false; t_ = 0; i_ = 0; x_ = 0; y_ = 0; v_ = 0; w_ = 0
}

active proctype network()
{
    mtype type;
    byte n, i, x, y, v, w;
    bool moving;
end:
    do
    :: atomic { cuts > 0 ->
        cuts--;
        lose_answers(type, i, x, y, v, w);
        connection++;
        state = NONE
    }
    :: atomic { cuts > 0 ->
        cuts--;
        reconnect_unseen(n, moving, type, i, x, y, v, w)
    }
    :: atomic { crashes > 0 ->
        crashes--;
        do
        :: head > durable -> version[head] = 0; head--
        :: true -> break
        od;
        durable = head;
        life++;
        check_delivered(i);
        reconnect_unseen(n, moving, type, i, x, y, v, w);
        for (n : 0 .. CONNECTIONS - 1) {
            forget(n);
            do
            :: n != connection && len(up[n]) > 0 -> up[n] ? type, i, x, y
            :: else -> break
            od
        }
        n = 0; type = 0; i = 0; x = 0; y = 0
    }
    od
}

/* ---- the router ---- */

inline tell(c_, t_, i_, x_, y_, v_, w_)
{
    if
    :: c_ == connection -> down ! t_, i_, x_, y_, v_, w_
    :: else
    fi
}

inline on_open(c, i, from_, credit_)
{
    assert(from_ <= durable + 1); /* else NOTFOUND: is this the log that you read before? */
    assert(credit_ > 0);          /* else INVALID */
    stream_id[c] = i;
    scanned[c] = from_ - 1;
    told[c] = from_ - 1;
    credit[c] = credit_;
    tell(c, OPENED, i, from_, durable, 0, 0)
}

#ifdef MUTATE_STREAM_EARLY
#define READABLE head
#else
#define READABLE durable
#endif
#ifdef MUTATE_NO_OVERDRAFT
#define FITS(c, size) ((size) <= credit[c])
#else
#define FITS(c, size) (credit[c] > 0)
#endif

/* One event, or two if both fit; what does not match is only looked at. */
inline serve(c, to)
{
    to = scanned[c] + 1;
    if
    :: to < READABLE && SIZE(to) + SIZE(to + 1) <= credit[c] -> to++
    :: true
    fi;
    if
    :: SIZE(scanned[c] + 1) + (to > scanned[c] + 1 -> SIZE(to) : 0) > 0 ->
        credit[c] = credit[c] - SIZE(scanned[c] + 1) - (to > scanned[c] + 1 -> SIZE(to) : 0);
#ifdef MUTATE_FORGET_UNMATCHED
        tell(c, CHUNK, stream_id[c], scanned[c] + 1, to, version[to - 1], version[to]);
#else
        tell(c, CHUNK, stream_id[c], told[c] + 1, to, version[to - 1], version[to]);
#endif
        told[c] = to
    :: else
    fi;
    scanned[c] = to;
    to = 0
}

proctype router(byte c)
{
    mtype type;
    byte i, x, y;
end:
    do
    :: atomic { up[c] ? type, i, x, y ->
        if
        :: type == HELLO -> forget(c); session[c] = true; tell(c, WELCOME, i, 0, 0, 0, 0)
        :: type != HELLO && !session[c] -> tell(c, NOSESSION, 0, 0, 0, 0, 0)
        :: type == OPEN && session[c] -> on_open(c, i, x, y)
        :: type == CREDIT && session[c] ->
            if
            :: stream_id[c] == i -> credit[c] = credit[c] + x
            :: else
            fi;
            if
            :: credit[c] > CREDIT_MAX -> credit[c] = CREDIT_MAX
            :: else
            fi
        fi;
        type = 0; i = 0; x = 0; y = 0
    }
    :: atomic { c == connection && stream_id[c] != 0 && scanned[c] < READABLE &&
        FITS(c, SIZE(scanned[c] + 1)) && len(down) < CAPACITY -> serve(c, x)
    }
    :: atomic { /* once a heartbeat: how far was looked without a match */
        c == connection && stream_id[c] != 0 && scanned[c] != told[c] && len(down) < CAPACITY ->
        tell(c, CHUNK, stream_id[c], told[c] + 1, scanned[c], 0, 0);
        told[c] = scanned[c]
    }
    :: atomic { c != connection && (session[c] || len(up[c]) > 0) -> /* the rest is lost */
        do
        :: len(up[c]) > 0 -> up[c] ? type, i, x, y
        :: else -> break
        od;
        forget(c);
        type = 0; i = 0; x = 0; y = 0
    }
    od
}

/* ---- the client ---- */

inline say(t_, x_, y_)
{
    next_id++;
    up[connection] ! t_, next_id, x_, y_
}

inline ask()
{
    state = ASKED;
    say(HELLO, 0, 0);
    hello = next_id
}

inline begin_session()
{
    state = UP;
    if
    :: stream != WANTED && started ->
#ifdef MUTATE_RESUME_BEHIND
        from = covered + 2
#elif defined(MUTATE_RESUME_BEFORE)
        from = covered
#else
        from = covered + 1
#endif
    :: else
    fi;
    stream = WANTED
}

inline on_opened(i, x, y)
{
    if
    :: i == id && stream == OPENING ->
        assert(x == from);               /* what it asked for is what it gets */
        assert(!started || y + 1 >= from); /* else: the log has lost events */
        stream = LIVE;
        started = true;
        covered = from - 1
    :: else
    fi
}

#ifdef MUTATE_ANY_STREAM
#define OURS(i) (stream != WANTED)
#else
#define OURS(i) (i == id && stream != WANTED)
#endif

inline on_chunk(i, x, y, v, w, j_)
{
    if
    :: OURS(i) ->
        assert(stream == LIVE);      /* no events before OPENED */
        assert(x == covered + 1 && y >= x); /* S2: no gap is ever found */
        if
        :: v != 0 && y - 1 > covered && MATCHES(y - 1) ->
            held = held + SIZE(y - 1);
            deliver(y - 1, v, j_)
        :: else
        fi;
        if
        :: w != 0 && MATCHES(y) ->
            held = held + SIZE(y);
            deliver(y, w, j_)
        :: else
        fi;
        covered = y
    :: else /* of an earlier opening */
    fi
}

#ifdef MUTATE_NO_TICK
#define CREDIT_DUE (owed >= CREDIT_MAX) /* only when all of it has come together */
#else
#define CREDIT_DUE (owed > 0)
#endif
#define COMPLETE (covered == EVENTS)

active proctype client()
{
    mtype type;
    byte i, x, y, v, w, j;
    do
    :: COMPLETE -> break
    :: atomic { state == NONE && len(up[connection]) < CAPACITY -> ask() }
    :: atomic { /* silence */
        state != NONE && (state == ASKED || !session[connection]) && len(up[connection]) == 0 &&
        len(down) == 0 -> ask()
    }
    :: atomic { state == UP && stream == WANTED && CREDIT_MAX > held &&
        len(up[connection]) < CAPACITY ->
        say(OPEN, from, CREDIT_MAX - held);
        id = next_id;
        owed = 0;
        stream = OPENING
    }
#ifndef MUTATE_NO_CONFIRM
    :: atomic { held > 0 -> owed = owed + held; held = 0 } /* the caller confirms */
#endif
    :: atomic { state == UP && stream == LIVE && CREDIT_DUE && len(up[connection]) < CAPACITY ->
        next_id++;
        up[connection] ! CREDIT, id, owed, 0;
        owed = 0
    }
    :: atomic { down ? type, i, x, y, v, w ->
        if
        :: type == WELCOME && state == ASKED && i == hello -> begin_session()
        :: type == NOSESSION && state == UP -> ask()
        :: type == OPENED -> on_opened(i, x, y)
        :: type == CHUNK -> on_chunk(i, x, y, v, w, j)
        :: else
        fi;
        type = 0; i = 0; x = 0; y = 0; v = 0; w = 0
    }
    od
}

init
{
    byte c;
    atomic {
        for (c : 0 .. CONNECTIONS - 1) {
            run router(c)
        }
    }
}

/* S4 (R4): everything arrives in the end. */
#ifdef LIVENESS
ltl arrives { <> COMPLETE }
#endif
