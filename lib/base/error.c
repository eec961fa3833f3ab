/* Error codes by name, and one line of text built up from the inside out. */
#include <liandong/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct code_entry {
    const char *name;
    const char *text;
    enum ld_blame blame;
};

static const struct code_entry CODES[] = {
#define CODE_ENTRY(name, value, blame, text) [value] = {#name, text, LD_BLAME_##blame},
    LD_CODES(CODE_ENTRY)
#undef CODE_ENTRY
};

static const struct code_entry *entry_of(int code)
{
    static const struct code_entry unknown = {"CODE?", "unknown code", LD_BLAME_FATAL};
    if (code < 0 || (size_t)code >= sizeof CODES / sizeof CODES[0] || !CODES[code].name)
        return &unknown;
    return &CODES[code];
}

const char *ld_code_name(int code)
{
    return entry_of(code)->name;
}

const char *ld_code_text(int code)
{
    return entry_of(code)->text;
}

enum ld_blame ld_code_blame(int code)
{
    return entry_of(code)->blame;
}

int ld_fail(struct ld_error *error, int code, const char *format, ...)
{
    if (!error)
        return code;
    /* Built aside, as an argument may be the text that is there already. */
    char text[LD_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error->code = code;
    memcpy(error->text, text, sizeof text);
    return code;
}

/* Appends part to text, as far as it fits. */
static void append_cut(char text[LD_ERROR_TEXT_SIZE], const char *part)
{
    size_t used = strlen(text);
    size_t size = strnlen(part, LD_ERROR_TEXT_SIZE - 1 - used);
    memcpy(text + used, part, size);
    text[used + size] = 0;
}

int ld_wrap(struct ld_error *error, int code, const char *format, ...)
{
    if (!error)
        return code;
    char text[LD_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    append_cut(text, ": ");
    append_cut(text, error->text);
    error->code = code;
    memcpy(error->text, text, sizeof text);
    return code;
}
