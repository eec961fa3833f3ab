/*
 * An audit of the ledger from outside: it reads the movements alone, keeps its own books batch by
 * batch, and compares. It shares no code with the service.
 */
#ifndef TESTS_SUPPLY_AUDIT_H
#define TESTS_SUPPLY_AUDIT_H

#include "supply_rig.h"
#include <uthash.h>

struct audit_entry {
    char *key;
    int64_t quantity;
    bool outside; /* an account that may be negative */
    UT_hash_handle hh;
};
struct audit {
    struct audit_entry *batches;   /* "<item> <account> <expiry> <lot> <donation>" */
    struct audit_entry *accounts;  /* "<item> <account>" */
    struct audit_entry *set_aside; /* "<item> <holder>" */
    struct audit_entry *owed;      /* "<item> <opener> <id>" */
    size_t moved;                  /* entries that moved goods */
    size_t kinds[32];
};

static inline struct audit_entry *audit_entry(struct audit_entry **table, const char *key)
{
    struct audit_entry *entry = NULL;
    HASH_FIND_STR(*table, key, entry);
    if (entry == NULL) {
        entry = calloc(1, sizeof *entry);
        assert_non_null(entry);
        entry->key = strdup(key);
        HASH_ADD_KEYPTR(hh, *table, entry->key, strlen(entry->key), entry);
    }
    return entry;
}

static inline bool audit_outside(const char *account)
{
    static const char *const OUTSIDE[] = {"world", "donated", "used", "lost", "expired"};
    for (size_t i = 0; i < sizeof OUTSIDE / sizeof *OUTSIDE; i++) {
        if (strcmp(account, OUTSIDE[i]) == 0) {
            return true;
        }
    }
    return false;
}

static inline int64_t audit_add(struct audit_entry **table, const char *item, const char *account,
                                int64_t change)
{
    char key[512];
    snprintf(key, sizeof key, "%s %s", item, account);
    struct audit_entry *entry = audit_entry(table, key);
    entry->outside = audit_outside(account);
    entry->quantity += change;
    return entry->quantity;
}

/* One batch leaves one account and comes to another. */
static inline void audit_batch(struct audit *audit, const movement *moved,
                               const Liandong__V1__SupplyBatch *batch)
{
    const char *sides[2] = {moved->from, moved->to};
    assert_true(batch->quantity > 0);
    for (int side = 0; side < 2; side++) {
        char key[512];
        snprintf(key, sizeof key, "%s %s %lld %s %s", moved->item, sides[side],
                 (long long)batch->expires_at_us, batch->lot, batch->donation);
        struct audit_entry *entry = audit_entry(&audit->batches, key);
        entry->quantity += side == 0 ? -batch->quantity : batch->quantity;
        assert_true(entry->quantity >= 0 || audit_outside(sides[side]));
    }
}

static inline bool audit_is_entry(int kind)
{
    return kind == KIND(STOCK_SET) || kind == KIND(DISPATCHED) || kind == KIND(RECEIVED) ||
           kind == KIND(RETURNED) || kind == KIND(SHORTFALL) || kind == KIND(USED) ||
           kind == KIND(LOST) || kind == KIND(EXPIRED) || kind == KIND(DONATED);
}

static inline void audit_entry_moved(struct audit *audit, const movement *moved)
{
    int64_t total = 0;
    audit->moved++;
    for (size_t i = 0; i < moved->n_batches; i++) {
        audit_batch(audit, moved, moved->batches[i]);
        total += moved->batches[i]->quantity;
    }
    assert_int_equal(total, moved->quantity);
    assert_int_equal(audit_add(&audit->accounts, moved->item, moved->from, -total),
                     moved->from_balance);
    assert_int_equal(audit_add(&audit->accounts, moved->item, moved->to, total), moved->to_balance);
}

static inline void audit_set_aside(struct audit *audit, const movement *moved)
{
    int64_t change = 0;
    if (moved->kind == KIND(ALLOCATED) || moved->kind == KIND(REQUISITIONED)) {
        change = moved->quantity;
    } else if (moved->kind == KIND(RELEASED) ||
               (moved->kind == KIND(DISPATCHED) && *moved->request != '\0')) {
        change = -moved->quantity;
    }
    if (change != 0) {
        assert_true(audit_add(&audit->set_aside, moved->item, moved->from, change) >= 0);
    }
}

static inline void audit_owed(struct audit *audit, const movement *moved)
{
    bool less = moved->kind == KIND(GIVEN_BACK) || moved->kind == KIND(COMPENSATED);
    char debt[256];
    if (!less && moved->kind != KIND(OWED)) {
        return;
    }
    snprintf(debt, sizeof debt, "%s %s", moved->requester, moved->request);
    int64_t outstanding =
        audit_add(&audit->owed, moved->item, debt, less ? -moved->quantity : moved->quantity);
    assert_int_equal(outstanding, moved->outstanding);
    assert_true(outstanding >= 0);
}

static inline void audit_take(struct audit *audit, const movement *moved)
{
    assert_true(moved->quantity >= 0);
    audit->kinds[moved->kind & 31]++;
    audit_set_aside(audit, moved);
    audit_owed(audit, moved);
    assert_int_equal(moved->entry, audit_is_entry(moved->kind));
    if (moved->entry) {
        audit_entry_moved(audit, moved);
    }
}

/* When everything that follows from an event has happened: nothing is negative, accounts add up to
 * nothing per item, and no more is set aside than is there. */
static inline void audit_check(const struct audit *audit)
{
    int64_t sum = 0;
    for (const struct audit_entry *one = audit->accounts; one != NULL; one = one->hh.next) {
        sum += one->quantity;
        assert_true(one->quantity >= 0 || one->outside);
    }
    assert_int_equal(sum, 0);
    for (const struct audit_entry *one = audit->set_aside; one != NULL; one = one->hh.next) {
        struct audit_entry *held = NULL;
        HASH_FIND_STR(audit->accounts, one->key, held);
        assert_true(one->quantity <= (held != NULL ? held->quantity : 0));
    }
}

static inline void audit_free_table(struct audit_entry *table)
{
    struct audit_entry *one, *next;
    HASH_ITER(hh, table, one, next)
    {
        HASH_DEL(table, one);
        free(one->key);
        free(one);
    }
}

static inline void audit_free(struct audit *audit)
{
    audit_free_table(audit->batches);
    audit_free_table(audit->accounts);
    audit_free_table(audit->set_aside);
    audit_free_table(audit->owed);
}

#endif
