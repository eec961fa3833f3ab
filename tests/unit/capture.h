/* What is printed on standard output, with the spaces that end lines left out. */
#ifndef TESTS_CAPTURE_H
#define TESTS_CAPTURE_H

#include <stdio.h>
#include <unistd.h>

struct capture {
    FILE *file;
    int screen;
};

static inline struct capture capture_begin(void)
{
    struct capture capture = {.file = tmpfile()};
    fflush(stdout);
    capture.screen = dup(STDOUT_FILENO);
    dup2(fileno(capture.file), STDOUT_FILENO);
    return capture;
}

static inline void capture_end(struct capture *capture, char *text, size_t size)
{
    size_t at = 0;
    fflush(stdout);
    dup2(capture->screen, STDOUT_FILENO);
    close(capture->screen);
    rewind(capture->file);
    for (int next; (next = fgetc(capture->file)) != EOF && at + 1 < size; text[at++] = (char)next)
        while (next == '\n' && at > 0 && text[at - 1] == ' ')
            at--;
    text[at] = '\0';
    fclose(capture->file);
}

#endif
