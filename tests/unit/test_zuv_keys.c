/* zuv: connections with keys. Who is asked about whom, who is let in, and what the others see. */
#include "zuv_world.h"

#include "keys/keys.h"

enum { MANY = 150, LOOK_MS = 5 };

struct door {
    struct zuv_admission *admission;
    struct keys_pair router, guest;
    bool open;
    int asked;
    uint8_t key[ZUV_KEY_BYTES]; /* of the last one who asked */
    char domain[32];
    char user[ZUV_USER_SIZE]; /* that the last message came with */
    uv_timer_t look;          /* how far a socket got wakes no loop */
};
static struct door door;

static bool admit(const struct zuv_applicant *applicant, char user[ZUV_USER_SIZE], void *data)
{
    struct door *asked = data;
    asked->asked++;
    memcpy(asked->key, applicant->key, sizeof asked->key);
    snprintf(asked->domain, sizeof asked->domain, "%s", applicant->domain);
    assert_string_equal(applicant->address, "127.0.0.1");
    snprintf(user, ZUV_USER_SIZE, "guest %d", asked->asked);
    return asked->open;
}

static void on_look(uv_timer_t *timer)
{
    (void)timer;
}

static int open_door(void **state)
{
    struct world *world;
    assert_int_equal(setup(state), 0);
    world = *state;
    door = (struct door){.open = true};
    assert_int_equal(keys_make("router", 0, &door.router, NULL), LD_OK);
    assert_int_equal(keys_make("guest", 0, &door.guest, NULL), LD_OK);
    assert_int_equal(zuv_admission_open(world->zuv, admit, &door, &door.admission, NULL), LD_OK);
    uv_timer_init(&world->loop, &door.look);
    uv_timer_start(&door.look, on_look, LOOK_MS, LOOK_MS);
    return 0;
}

static bool door_closed(struct world *world)
{
    (void)world;
    return door.admission == NULL;
}

static void on_door_closed(void *data)
{
    ((struct door *)data)->admission = NULL;
}

static int close_door(void **state)
{
    struct world *world = *state;
    uv_close((uv_handle_t *)&door.look, NULL);
    zuv_admission_close(door.admission, on_door_closed, &door);
    run_until(world, door_closed);
    return teardown(state);
}

static void note_user(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    const char *user = zuv_message_user(message);
    (void)socket;
    snprintf(door.user, sizeof door.user, "%s", user ? user : "nobody was asked");
    ((struct end *)data)->received++;
}

static void open_router(struct world *world, const uint8_t *secret)
{
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = note_user;
    options.server_secret = secret;
    options.domain = "door";
    open_end(&world->left, ZUV_ROUTER, &options);
    assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", NULL), LD_OK);
}

static void open_guest(struct world *world, const struct keys_pair *own, const uint8_t *server)
{
    struct zuv_options options;
    zuv_options_init(&options);
    options.tells_joining = true;
    if (own) {
        options.own_key = own->open.bus;
        options.own_secret = own->bus_secret;
        options.server_key = server;
    }
    open_end(&world->right, ZUV_DEALER, &options);
    assert_int_equal(zuv_connect(world->right.socket, zuv_endpoint(world->left.socket), NULL),
                     LD_OK);
}

static bool heard(struct world *world)
{
    return world->left.received > 0;
}

static bool turned_away(struct world *world)
{
    assert_int_equal(world->left.received, 0);
    return zuv_joined(world->right.socket) == ZUV_TURNED_AWAY;
}

static bool joined(struct world *world)
{
    return zuv_joined(world->right.socket) == ZUV_JOINED;
}

static void test_let_in(void **state)
{
    struct world *world = *state;
    open_router(world, door.router.bus_secret);
    open_guest(world, &door.guest, door.router.open.bus);
    send_text(&world->right, "hello");
    run_until(world, heard);
    assert_memory_equal(door.key, door.guest.open.bus, sizeof door.key);
    assert_string_equal(door.domain, "door");
    assert_string_equal(door.user, "guest 1");
    run_until(world, joined);
}

static void test_not_let_in(void **state)
{
    struct world *world = *state;
    door.open = false;
    open_router(world, door.router.bus_secret);
    open_guest(world, &door.guest, door.router.open.bus);
    send_text(&world->right, "hello");
    run_until(world, turned_away);
    assert_true(door.asked > 0);
}

/* Somebody else sits where the router should be: nothing is said to them, and nobody is asked. */
static void test_other_router(void **state)
{
    struct world *world = *state;
    open_router(world, door.router.bus_secret);
    open_guest(world, &door.guest, door.guest.open.bus);
    send_text(&world->right, "hello");
    run_until(world, turned_away);
    assert_int_equal(door.asked, 0);
}

static void test_no_key(void **state)
{
    struct world *world = *state;
    open_router(world, door.router.bus_secret);
    open_guest(world, NULL, NULL);
    send_text(&world->right, "hello");
    run_until(world, turned_away);
    assert_int_equal(door.asked, 0);
}

/* A public key is no secret: who has only that is not taken for its owner. */
static void test_stolen_public_key(void **state)
{
    struct world *world = *state;
    struct keys_pair thief;
    assert_int_equal(keys_make("thief", 0, &thief, NULL), LD_OK);
    thief.open = door.guest.open;
    open_router(world, door.router.bus_secret);
    open_guest(world, &thief, door.router.open.bus);
    send_text(&world->right, "hello");
    run_until(world, turned_away);
    assert_int_equal(door.asked, 0);
}

static void test_router_without_keys(void **state)
{
    struct world *world = *state;
    open_router(world, NULL);
    open_guest(world, &door.guest, door.router.open.bus);
    send_text(&world->right, "hello");
    run_until(world, turned_away);
}

/* Where there is an admission, a socket that was given no key lets nobody in. */
static void test_forgotten_key(void **state)
{
    struct world *world = *state;
    open_router(world, NULL);
    open_guest(world, NULL, NULL);
    send_text(&world->right, "hello");
    run_until(world, turned_away);
    assert_int_equal(door.asked, 0);
}

/* More at once than are looked at in a turn; nobody is forgotten. */
static struct end many[MANY];
static size_t many_closed;

static bool all_heard(struct world *world)
{
    return world->left.received == MANY;
}

static void count_closed(void *data)
{
    (void)data;
    many_closed++;
}

static bool all_closed(struct world *world)
{
    (void)world;
    return many_closed == MANY;
}

static void test_many(void **state)
{
    struct world *world = *state;
    struct end first = world->right;
    open_router(world, door.router.bus_secret);
    for (size_t i = 0; i < MANY; i++) {
        open_guest(world, &door.guest, door.router.open.bus);
        send_text(&world->right, "hello");
        many[i] = world->right;
        world->right = first;
    }
    run_until(world, all_heard);
    assert_int_equal(door.asked, MANY);
    many_closed = 0;
    for (size_t i = 0; i < MANY; i++)
        zuv_socket_close(many[i].socket, count_closed, NULL);
    run_until(world, all_closed);
}

static bool nowhere_again(struct world *world)
{
    return zuv_joined(world->right.socket) == ZUV_NOWHERE;
}

static bool left_closed(struct world *world)
{
    return world->left.closed;
}

static void test_joining_follows(void **state)
{
    struct world *world = *state;
    open_router(world, door.router.bus_secret);
    open_guest(world, &door.guest, door.router.open.bus);
    run_until(world, joined);
    zuv_socket_close(world->left.socket, on_closed, &world->left);
    run_until(world, left_closed);
    run_until(world, nowhere_again);
}

#define DOOR_TEST(test) cmocka_unit_test_setup_teardown(test, open_door, close_door)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DOOR_TEST(test_let_in),
        DOOR_TEST(test_not_let_in),
        DOOR_TEST(test_other_router),
        DOOR_TEST(test_no_key),
        DOOR_TEST(test_stolen_public_key),
        DOOR_TEST(test_router_without_keys),
        DOOR_TEST(test_forgotten_key),
        DOOR_TEST(test_many),
        DOOR_TEST(test_joining_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
