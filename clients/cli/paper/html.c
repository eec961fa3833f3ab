/* A paper as one HTML file: no script, no link, colours with their words; made to be printed. */
#include <errno.h>
#include <string.h>

#include "buffer.h"
#include "parts.h"

enum { MANY_COLUMNS = 5 }; /* so many do not fit on a telephone: they scroll */

static const char STYLE[] =
    ":root{color-scheme:light dark}\n"
    "body{font:15px/1.5 system-ui,-apple-system,\"Noto Sans CJK SC\",\"PingFang SC\","
    "\"Microsoft YaHei\",sans-serif;max-width:72rem;margin:2rem auto;padding:0 "
    "1rem;overflow-wrap:break-word}\n"
    "h1{font-size:1.5rem;margin:0 0 1rem}\n"
    "h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #8886}\n"
    "p{margin:.15rem 0}\n"
    "table{border-collapse:collapse;width:100%;font-size:.9rem}\n"
    "th,td{overflow-wrap:break-word;text-align:left;vertical-align:top;padding:.25rem "
    ".6rem;border-bottom:1px solid #8884}\n"
    "th{border-bottom:2px solid #8888;white-space:nowrap}\n"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "@media(min-width:40rem){td:first-child{min-width:10em}}\n"
    "tr[class]>td:first-child,p[class]{border-left:.3rem solid;padding-left:.5rem}\n"
    "tr.red>td:first-child,p.red{border-left-color:#c62828}\n"
    "tr.orange>td:first-child,p.orange{border-left-color:#ef6c00}\n"
    "tr.yellow>td:first-child,p.yellow{border-left-color:#f9a825}\n"
    "tr.blue>td:first-child,p.blue{border-left-color:#1565c0}\n"
    "tr.green>td:first-child,p.green{border-left-color:#2e7d32}\n"
    ".wide{overflow-x:auto}\n"
    "@media(max-width:40rem){body{margin:1rem auto}table{font-size:.8rem}th,td{padding:.25rem "
    ".35rem}table.many{min-width:46rem}}\n"
    "@media print{body{margin:0;max-width:none;font-size:10pt;color-scheme:light}"
    "thead{display:table-header-group}tr{break-inside:avoid}h2{break-after:avoid}"
    "@page{margin:1.5cm}}\n";

void html_escaped(struct ld_buffer *buffer, const char *text)
{
    for (const char *at = text; *at != '\0';) {
        size_t plain = strcspn(at, "&<>\"");
        ld_buffer_append(buffer, at, plain);
        at += plain;
        if (*at == '\0')
            return;
        ld_buffer_text(buffer, *at == '&'   ? "&amp;"
                               : *at == '<' ? "&lt;"
                               : *at == '>' ? "&gt;"
                                            : "&quot;");
        at++;
    }
}

void html_element(struct ld_buffer *buffer, const char *name, const char *class, const char *text)
{
    ld_buffer_format(buffer, "<%s", name);
    if (class[0] != '\0')
        ld_buffer_format(buffer, " class=\"%s\"", class);
    ld_buffer_text(buffer, ">");
    html_escaped(buffer, text);
    ld_buffer_format(buffer, "</%s>", name);
}

const char *html_class(enum cli_style style)
{
    static const char *const CLASSES[] = {"", "", "", "red", "orange", "yellow", "blue", "green"};
    return CLASSES[style];
}

static void put_row(struct ld_buffer *buffer, const struct paper_part *part,
                    const struct paper_table_row *row)
{
    const char *class = html_class(row->style);
    ld_buffer_text(buffer, "<tr");
    if (class[0] != '\0')
        ld_buffer_format(buffer, " class=\"%s\"", class);
    ld_buffer_text(buffer, ">");
    for (size_t i = 0; i < part->column_count; i++)
        html_element(buffer, "td", part->right[i] ? "n" : "", row->cells[i]);
    ld_buffer_text(buffer, "</tr>\n");
}

static void put_table(struct ld_buffer *buffer, const struct paper_part *part)
{
    if (part->row_count == 0)
        return;
    ld_buffer_format(buffer, "<div class=\"wide\"><table%s>\n<thead><tr>",
                     part->column_count >= MANY_COLUMNS ? " class=\"many\"" : "");
    for (size_t i = 0; i < part->column_count; i++)
        html_element(buffer, "th", part->right[i] ? "n" : "", part->names[i]);
    ld_buffer_text(buffer, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < part->row_count; i++)
        put_row(buffer, part, &part->rows[i]);
    ld_buffer_text(buffer, "</tbody>\n</table></div>\n");
}

static bool has_lanes(const struct paper *paper)
{
    for (size_t i = 0; i < paper->count; i++)
        if (paper->parts[i].kind == PAPER_CHART || paper->parts[i].kind == PAPER_LANES)
            return true;
    return false;
}

static void put_part(struct ld_buffer *buffer, const struct paper_part *part)
{
    switch (part->kind) {
    case PAPER_TABLE:
        put_table(buffer, part);
        return;
    case PAPER_CHART:
        html_chart(buffer, part);
        return;
    case PAPER_LANES:
        html_lanes(buffer, part);
        return;
    default:
        html_element(buffer, part->kind == PAPER_HEADING ? "h2" : "p", html_class(part->style),
                     part->text);
        ld_buffer_text(buffer, "\n");
    }
}

static void put_page(struct ld_buffer *buffer, const struct cli *cli, const struct paper *paper)
{
    ld_buffer_format(buffer,
                     "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n",
                     cli_say(cli, "zh-CN", "en"));
    html_element(buffer, "title", "", paper->title);
    ld_buffer_format(buffer, "\n<style>\n%s%s</style>\n</head>\n<body>\n", STYLE,
                     has_lanes(paper) ? HTML_LANES_STYLE : "");
    html_element(buffer, "h1", "", paper->title);
    ld_buffer_text(buffer, "\n");
    for (size_t i = 0; i < paper->count; i++)
        put_part(buffer, &paper->parts[i]);
    ld_buffer_text(buffer, "</body>\n</html>\n");
}

static int write_page(const char *path, const struct ld_buffer *page, struct ld_error *error)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return ld_fail(error, LD_INVALID, "cannot write %s: %s", path, strerror(errno));
    bool written = fwrite(page->data, 1, page->size, file) == page->size;
    int number = errno;
    if (fclose(file) == 0 && written)
        return LD_OK;
    return ld_fail(error, LD_IO, "cannot write all of %s: %s; what is there is not whole", path,
                   strerror(written ? errno : number));
}

int paper_put(const struct cli *cli, const struct paper *paper, const char *path)
{
    if (path == NULL) {
        paper_print(cli, paper);
        return CLI_OK;
    }
    struct ld_buffer page = {0};
    struct ld_error error;
    put_page(&page, cli, paper);
    int code = write_page(path, &page, &error);
    ld_buffer_free(&page);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}
