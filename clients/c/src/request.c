/* Questions to the router: STATUS, ADVANCE, FIND and RETIRE. Asked again in a new session (all may
 * be repeated), answered once. */
#include "client.h"

#include <stdlib.h>
#include <string.h>

static int add(struct ld_client *client, const struct ldc_request *request, struct ld_error *error)
{
    int code = ldc_check(client, error);
    if (code != LD_OK)
        return code;
    struct ldc_request *copy = malloc(sizeof *copy);
    if (copy == NULL)
        return ld_fail(error, LD_NOMEM, "cannot allocate a request");
    *copy = *request;
    DL_APPEND(client->requests, copy);
    ldc_want_output(client);
    return LD_OK;
}

int ld_client_status(struct ld_client *client, ld_status_fn *answer, void *data,
                     struct ld_error *error)
{
    struct ldc_request request = {.operation = WIRE_STATUS, .status = answer, .data = data};
    return add(client, &request, error);
}

int ld_client_advance(struct ld_client *client, int64_t time_us, ld_advanced_fn *answer, void *data,
                      struct ld_error *error)
{
    struct ldc_request request = {
        .operation = WIRE_ADVANCE, .a = (uint64_t)time_us, .advanced = answer, .data = data};
    return add(client, &request, error);
}

int ld_client_find_time(struct ld_client *client, int64_t time_us, ld_found_fn *answer, void *data,
                        struct ld_error *error)
{
    struct ldc_request request = {
        .operation = WIRE_FIND, .a = (uint64_t)time_us, .found = answer, .data = data};
    return add(client, &request, error);
}

int ld_client_retire(struct ld_client *client, uint64_t last, const char *archive,
                     ld_retired_fn *answer, void *data, struct ld_error *error)
{
    struct ldc_request request = {.operation = WIRE_RETIRE,
                                  .a = last,
                                  .found = answer,
                                  .text = strdup(archive),
                                  .data = data};
    if (request.text == NULL)
        return ld_fail(error, LD_NOMEM, "cannot allocate a request");
    int code = add(client, &request, error);
    if (code != LD_OK)
        free(request.text);
    return code;
}

static void drop(struct ldc_request *request)
{
    free(request->text);
    free(request);
}

static struct ldc_request *take(struct ld_client *client, uint64_t id)
{
    struct ldc_request *request;
    DL_FOREACH(client->requests, request)
    {
        if (request->id == id) {
            DL_DELETE(client->requests, request);
            return request;
        }
    }
    return NULL;
}

static void answer_status(const struct ldc_request *request, const uint8_t *body, size_t size)
{
    char *json = malloc(size + 1);
    if (json == NULL) {
        request->status(LD_NOMEM, NULL, request->data);
        return;
    }
    if (size > 0)
        memcpy(json, body, size);
    json[size] = '\0';
    request->status(LD_OK, json, request->data);
    free(json);
}

void ldc_request_answer(struct ld_client *client, const struct wire_head *head, const uint8_t *body,
                        size_t size)
{
    struct ldc_request *request = take(client, head->id);
    if (request == NULL)
        return;
    if (head->b > client->head)
        client->head = head->b;
    if (request->status != NULL)
        answer_status(request, body, size);
    else if (request->advanced != NULL)
        request->advanced(LD_OK, (int64_t)head->a, head->b, "", request->data);
    else if (request->found != NULL)
        request->found(LD_OK, head->a, head->b, "", request->data);
    drop(request);
}

static void fail(struct ldc_request *request, int code, const char *reason)
{
    if (request->status != NULL)
        request->status(code, NULL, request->data);
    else if (request->advanced != NULL)
        request->advanced(code, 0, 0, reason, request->data);
    else if (request->found != NULL)
        request->found(code, 0, 0, reason, request->data);
    drop(request);
}

bool ldc_request_error(struct ld_client *client, uint64_t id, int code, const char *reason)
{
    struct ldc_request *request = take(client, id);
    if (request == NULL)
        return false;
    fail(request, code, reason);
    return true;
}

void ldc_request_cancel_all(struct ld_client *client)
{
    while (client->requests != NULL) {
        struct ldc_request *request = client->requests;
        DL_DELETE(client->requests, request);
        fail(request, LD_CANCELLED, "");
    }
}
